#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# with_perl.pl - the scenario in Perl, by Data::MessagePack, which sends all text
# as bin unless it is told otherwise, method and keys too; and by its Stream,
# which gives the keys of a map as bytes and all other text as text.
#
# usage: with_perl.pl SOCKET claim|release
#
# Runs in: tests/run-clients, which says what has to be printed.
use strict;
use warnings;
use utf8;

use Data::MessagePack;
use Data::MessagePack::Stream;
use IO::Socket::UNIX;
use JSON::PP;

sub Data::MessagePack::Boolean::TO_JSON { ${ $_[0] } ? JSON::PP::true : JSON::PP::false }

my $long = 'tmpfs://a-name-beyond-thirty-one-bytes';
my $slow = 'tmpfs://slow';
my $cid = 'größe-ü';
my $sock = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "no connection: $!";
my $packer = Data::MessagePack->new;
my $stream = Data::MessagePack::Stream->new;
my $json = JSON::PP->new->utf8->allow_nonref->convert_blessed;
my $number = 0;

sub say_step { print "$_[0] ", $json->encode($_[1]), "\n" }

sub text {
    my ($value) = @_;
    return [ map { text($_) } @$value ] if ref $value eq 'ARRAY';
    return $value if ref $value ne 'HASH';
    my %found;
    for my $key (keys %$value) {
        utf8::decode(my $name = $key);
        $found{$name} = text($value->{$key});
    }
    return \%found;
}

sub post {
    my ($method, @params) = @_;
    $sock->syswrite($packer->pack([0, ++$number, $method, \@params]));
    return $number;
}

sub receive {
    until ($stream->next) {
        $sock->sysread(my $data, 65536) or die "the daemon closed the connection";
        $stream->feed($data);
    }
    return text($stream->data);
}

sub call {
    my $asked = post(@_);
    my (undef, $answered, $error, $result) = @{ receive() };
    die "not its answer" if $answered != $asked;
    die "$error\n" if defined $error;
    return $result;
}

sub refusal {
    my $result = eval { call(@_) };
    chomp(my $error = $@);
    return $error || $result;
}

sub flight {
    my %asked = (post('wait', 'slow') => 'wait', post('list') => 'list',
        post('status', 'plain') => 'status');
    my (@order, $result);
    while (%asked) {
        (undef, my $answered, undef, $result) = @{ receive() };
        push @order, delete $asked{$answered};
        $asked{ post('manage', 'tmpfs://key', 'key') } = 'manage'
            if $order[-1] eq 'status';
    }
    say_step('order', [\@order, $result->{state}]);
}

sub claim {
    say_step('hello', call('hello'));
    say_step('manage', [
        call('manage', $long, $cid, { if_absent => Data::MessagePack::true() }),
        call('manage', 'tmpfs://two', 'plain') ]);
    say_step('wait', [ map {
        call('wait', $_, { timeout_ms => 4e4 / 2 })->{state}
    } $cid, 'plain' ]);
    say_step('list', call('list', { prefix => 'größe' }));
    say_step('status', call('status', $cid));
    say_step('refused', refusal('manage', 'tmpfs://two', $cid));
    say_step('unknown', refusal('no_such_thing', 1, 'x'));
    say_step('events', call('events', 0));

    call('subscribe');
    call('manage', 'tmpfs://two', 'told');
    say_step('event', receive());
    call('unsubscribe');

    call('manage', $slow, 'slow');
    flight();
}

if ($ARGV[1] eq 'claim') {
    claim();
} else {
    say_step('release', [ map { call('unmanage', $_) } $cid, 'plain', 'told', 'slow', 'key' ]);
    say_step('gone', call('wait', $cid, { for => 'gone' })->{state});
}
