-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- with_nvim.lua - the scenario in an editor: by neovim's sockconnect() and
-- rpcrequest(); what is told unasked, and answers in any order, by the session
-- of vim.mpack.
--
-- usage: nvim --headless -u NONE -c 'luafile with_nvim.lua', with SOCKET and
-- claim or release in the environment as HOLDFAST_SOCKET and HOLDFAST_PART
--
-- Runs in: tests/run-clients, which says what has to be printed.
local long, slow = 'tmpfs://a-name-beyond-thirty-one-bytes', 'tmpfs://slow'
local cid = 'größe-ü'
local path = vim.env.HOLDFAST_SOCKET
local channel = vim.fn.sockconnect('pipe', path, { rpc = true })

local function say(step, value)
  io.stdout:write(step, ' ', vim.fn.json_encode(value), '\n')
end

local function call(...)
  return vim.fn.rpcrequest(channel, ...)
end

local function refusal(...)
  local _, result = pcall(call, ...)
  return result
end

-- What vim.fn makes of a float in Vim script.
local function float(value)
  return { [vim.type_idx] = vim.types.float, [vim.val_idx] = value }
end

-- The same protocol through vim.loop: on_note hears notifications.
local function open_session(on_note)
  local session = vim.mpack.Session({ unpack = vim.mpack.Unpacker() })
  local pipe = vim.loop.new_pipe(false)

  local function on_data(err, data)
    local position = 1
    assert(not err and data, err or 'the daemon closed the connection')
    while position <= #data do
      local kind, id_or_answered, method_or_error, result
      kind, id_or_answered, method_or_error, result, position =
        session:receive(data, position)
      if kind == 'response' then
        id_or_answered(method_or_error, result)
      elseif kind == 'notification' then
        on_note(method_or_error, result)
      end
    end
  end
  pipe:connect(path, function(err)
    assert(not err, err)
    pipe:read_start(on_data)
  end)
  return function(method, params, answered)
    pipe:write(session:request(answered) .. vim.mpack.encode(method)
      .. vim.mpack.encode(params))
  end
end

local function wait_until(condition)
  assert(vim.wait(20000, condition, 5), 'waited in vain')
end

local function hear()
  local note, last
  local send = open_session(function(method, params)
    note = note or { 2, method, params }
  end)
  send('subscribe', {}, function(_, result) last = result end)
  wait_until(function() return last end)
  -- A channel of sockconnect() has no use for notifications, and says so to
  -- the daemon, in one. It goes on.
  call('subscribe')
  call('manage', 'tmpfs://two', 'told')
  wait_until(function() return note end)
  call('unsubscribe')
  return note
end

local function flight()
  local send = open_session()
  local order, state = {}, nil
  local function ask(method, params)
    send(method, params, function(_, result)
      table.insert(order, method)
      if method == 'status' then
        ask('manage', { 'tmpfs://key', 'key' })
      elseif method == 'wait' then
        state = result.state
      end
    end)
  end
  ask('wait', { 'slow' })
  ask('list', {})
  ask('status', { 'plain' })
  wait_until(function() return state end)
  return { order, state }
end

local function state_after_wait(id)
  return call('wait', id, { timeout_ms = float(20000) }).state
end

local function claim()
  say('hello', call('hello'))
  say('manage', { call('manage', long, cid, { if_absent = true }),
    call('manage', 'tmpfs://two', 'plain') })
  say('wait', { state_after_wait(cid), state_after_wait('plain') })
  say('list', call('list', { prefix = 'größe' }))
  say('status', call('status', cid))
  say('refused', refusal('manage', 'tmpfs://two', cid))
  say('unknown', refusal('no_such_thing', 1, 'x'))
  say('events', call('events', float(0)))
  say('event', hear())
  call('manage', slow, 'slow')
  say('order', flight())
end

local function release()
  say('release', vim.tbl_map(function(id) return call('unmanage', id) end,
    { cid, 'plain', 'told', 'slow', 'key' }))
  say('gone', call('wait', cid, { ['for'] = 'gone' }).state)
end

local fine, why = pcall(vim.env.HOLDFAST_PART == 'claim' and claim or release)
if not fine then
  io.stderr:write(tostring(why), '\n')
  vim.cmd('cquit')
end
vim.cmd('qall!')
