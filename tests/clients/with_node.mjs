#!/usr/bin/node
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// with_node.mjs - the scenario in JavaScript, by @msgpack/msgpack. All its
// numbers go as floats, its bytes as bin.
//
// usage: with_node.mjs SOCKET claim|release
//
// Runs in: tests/run-clients, which says what has to be printed, in a folder
// beside node_modules.
import net from 'node:net';
import { decodeMultiStream, encode } from '@msgpack/msgpack';

const LONG = 'tmpfs://a-name-beyond-thirty-one-bytes';
const SLOW = 'tmpfs://slow';
const CID = 'größe-ü';
const sock = net.connect(process.argv[2]);
const pending = new Map();
const notes = [];
let count = 0;
let onNote = null;

const say = (step, value) => console.log(step, JSON.stringify(value));

// All is in flight at once if nobody awaits: each answer finds its promise.
function call(method, ...params) {
  sock.write(encode([0, ++count, method, params],
    { forceIntegerToFloat: method !== 'hello' && method !== 'status' }));
  return new Promise((resolve, reject) =>
    pending.set(count, { resolve, reject }));
}

const refusal = (...request) => call(...request).catch((error) => error.message);
const nextNote = () => new Promise((resolve) => {
  onNote = () => notes.length > 0 && resolve(notes.shift());
  onNote();
});

async function listen() {
  for await (const message of decodeMultiStream(sock)) {
    if (message[0] === 2) {
      notes.push(message);
      onNote?.();
      continue;
    }
    const [, number, error, result] = message;
    const { resolve, reject } = pending.get(number);
    pending.delete(number);
    if (error === null) resolve(result);
    else reject(new Error(error));
  }
}

async function flight() {
  const order = [];
  const asked = (...request) => call(...request).then((result) => {
    order.push(request[0]);
    return result;
  });
  const waited = asked('wait', 'slow');
  const listed = asked('list');
  await asked('status', 'plain');
  await listed;
  await asked('manage', 'tmpfs://key', 'key');
  const { state } = await waited;
  say('order', [order, state]);
}

async function claim() {
  say('hello', await call('hello'));
  say('manage', await Promise.all([
    call('manage', new TextEncoder().encode(LONG), CID, { if_absent: true }),
    call('manage', 'tmpfs://two', 'plain')]));
  say('wait', (await Promise.all([CID, 'plain'].map((cid) =>
    call('wait', cid, { timeout_ms: 20000 })))).map((entry) => entry.state));
  say('list', await call('list', { prefix: 'größe' }));
  say('status', await call('status', CID));
  say('refused', await refusal('manage', 'tmpfs://two', CID));
  say('unknown', await refusal('no_such_thing', 1, 'x'));
  say('events', await call('events', 0));

  await call('subscribe');
  await call('manage', 'tmpfs://two', 'told');
  say('event', await nextNote());
  await call('unsubscribe');

  await call('manage', SLOW, 'slow');
  await flight();
}

async function release() {
  say('release', await Promise.all([CID, 'plain', 'told', 'slow', 'key'].map((cid) =>
    call('unmanage', cid))));
  say('gone', (await call('wait', CID, { for: 'gone' })).state);
}

listen().catch((error) => { console.error(error); process.exit(1); });
await (process.argv[3] === 'claim' ? claim() : release());
process.exit(0);
