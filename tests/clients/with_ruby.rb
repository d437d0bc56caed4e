#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# with_ruby.rb - the scenario in Ruby, by ruby-msgpack. Its strings of bytes
# go as bin, its milliseconds as a float.
#
# usage: with_ruby.rb SOCKET claim|release
#
# Runs in: tests/run-clients, which says what has to be printed.
require 'json'
require 'msgpack'
require 'socket'

LONG = 'tmpfs://a-name-beyond-thirty-one-bytes'.b
SLOW = 'tmpfs://slow'
CID = 'größe-ü'.b
SOCK = UNIXSocket.new(ARGV[0])
UNPACKER = MessagePack::Unpacker.new(SOCK)
@count = 0

def say(step, value)
  puts "#{step} #{JSON.generate(value)}"
end

def post(method, *params)
  @count += 1
  SOCK.write([0, @count, method, params].to_msgpack)
  @count
end

def call(method, *params)
  number = post(method, *params)
  _, answered, error, result = UNPACKER.read
  raise 'not its answer' unless answered == number
  raise error if error
  result
end

def refusal(method, *params)
  call(method, *params)
rescue RuntimeError => e
  e.message
end

def flight
  asked = { post('wait', 'slow') => 'wait', post('list') => 'list',
            post('status', 'plain') => 'status' }
  order = []
  until asked.empty?
    _, number, _, result = UNPACKER.read
    order << asked.delete(number)
    next unless order.last == 'status'
    asked[post('manage', 'tmpfs://key', 'key')] = 'manage'
  end
  say('order', [order, result['state']])
end

def claim
  say('hello', call('hello'))
  say('manage', [call('manage', LONG, CID, 'if_absent'.b => true),
                 call('manage', 'tmpfs://two', 'plain')])
  say('wait', [CID, 'plain'].map { |cid|
    call('wait', cid, timeout_ms: 20_000.0)['state']
  })
  say('list', call('list'.b, prefix: 'größe'.b))
  say('status', call('status', CID))
  say('refused', refusal('manage', 'tmpfs://two', CID))
  say('unknown', refusal('no_such_thing', 1, 'x'))
  say('events', call('events', 0.0))

  call('subscribe')
  call('manage', 'tmpfs://two', 'told')
  say('event', UNPACKER.read)
  call('unsubscribe')

  call('manage', SLOW, 'slow')
  flight
end

if ARGV[1] == 'claim'
  claim
else
  say('release', [CID, 'plain', 'told', 'slow', 'key'].map { |cid|
    call('unmanage', cid)
  })
  say('gone', call('wait', CID, for: 'gone')['state'])
end
