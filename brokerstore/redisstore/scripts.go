package redisstore

import "github.com/redis/go-redis/v9"

// Each script is one step that happens whole or not at all. Its first write is the one that a full server refuses; after
// it Redis lets the others pass. Versions and marks are compared as texts; milliseconds are numbers, exact below 2^53.
// A mark is random text that each call of a method makes: the client sends a command again when the connection broke,
// and by its mark a script finds that it has run already.
//
// Redis wants to be told of every key before a script runs, so that it finds all of them in a cluster. The lists that a
// session is in follow from its owner and its session at the provider, which never change: a caller says which they are,
// and the script answers 2, and has done nothing, when they are others.

// ends is when a session ends that nobody touches; the index for Purge goes by it.
var ends = `
local function ends(expires, idle)
	if idle ~= '` + never + `' and tonumber(idle) < tonumber(expires) then
		return idle
	end
	return expires
end
`

// lasting gives keys a native end. That is for garbage alone, if Purge is never called: a day after the session's Expires
// by the server's clock, or a day from now when that has passed. Idle does not count, since Touch may move it until then.
// A list stays for as long as the last of its sessions. The keys and the first arguments are those of putScript and swapScript. The
// server's clock is read once.
const lasting = `
local function last(expires)
	local now = redis.call('TIME')
	local left = math.max(tonumber(expires) - tonumber(now[1]) * 1000, 0) + 86400000
	local text = string.format('%.0f', left)
	redis.call('PEXPIRE', KEYS[1], text)
	for i = 1, 2 do
		if ARGV[i] ~= '' and redis.call('PTTL', KEYS[2 + i]) < left then
			redis.call('PEXPIRE', KEYS[2 + i], text)
		end
	end
end
`

// KEYS: the session, the index, its two lists, the feed. ARGV: owner, session at the provider, ID, mark, expires, idle,
// started, then fields and values. A session that went into the feed before its command came again stays revoked.
var putScript = redis.NewScript(ends + lasting + `
local mark = redis.call('HGET', KEYS[1], 'mark')
if mark then
	return mark == ARGV[4] and 1 or 0
end
local entry = redis.call('HGET', KEYS[5], ARGV[3])
if entry and string.match(entry, '%S+$') == ARGV[4] then
	return 1
end
redis.call('HSET', KEYS[1], 'mark', ARGV[4], unpack(ARGV, 8))
redis.call('ZADD', KEYS[2], ends(ARGV[5], ARGV[6]), ARGV[3])
for i = 1, 2 do
	if ARGV[i] ~= '' then
		redis.call('ZADD', KEYS[2 + i], ARGV[7], ARGV[3])
	end
end
last(ARGV[5])
return 1
`)

// KEYS: the session, the index, its two lists. ARGV: owner, session at the provider, ID, mark, expires, the version that is
// replaced, the one after it, then fields and values. A write that leaves Expires alone, as the one of a lease, moves no end.
var swapScript = redis.NewScript(ends + lasting + `
local stored = redis.call('HMGET', KEYS[1], 'version', 'mark', 'idle', 'owner', 'provider_session', 'expires')
if stored[1] ~= ARGV[6] then
	return stored[1] == ARGV[7] and stored[2] == ARGV[4] and 1 or 0
end
if stored[4] ~= ARGV[1] or stored[5] ~= ARGV[2] then
	return 2
end
redis.call('HSET', KEYS[1], 'mark', ARGV[4], 'version', ARGV[7], unpack(ARGV, 8))
if stored[6] ~= ARGV[5] then
	redis.call('ZADD', KEYS[2], ends(ARGV[5], stored[3]), ARGV[3])
	last(ARGV[5])
end
return 1
`)

// KEYS: the session, the index. ARGV: ID, seen, idle. The key's native end is that of Expires, which stays.
var touchScript = redis.NewScript(ends + `
local stored = redis.call('HMGET', KEYS[1], 'seen', 'idle', 'expires')
if not stored[3] then
	return 0
end
if tonumber(stored[1]) < tonumber(ARGV[2]) then
	redis.call('HSET', KEYS[1], 'seen', ARGV[2])
end
if tonumber(stored[2]) < tonumber(ARGV[3]) then
	redis.call('HSET', KEYS[1], 'idle', ARGV[3])
	redis.call('ZADD', KEYS[2], ends(stored[3], ARGV[3]), ARGV[1])
end
return 1
`)

// KEYS: the session, the index, its two lists, the feed, its two indexes. ARGV: owner, session at the provider, ID, mark,
// version or 0, now, until. Deletion comes first: a full server does not refuse it, and takes the rest after it, so that
// it still revokes.
var revokeScript = redis.NewScript(`
local at, ends, mark, writer
local entry = redis.call('HGET', KEYS[5], ARGV[3])
if entry then
	at, ends, mark, writer = string.match(entry, '^(%S+) (%S+) (%S+) (%S+)$')
end
local stored = redis.call('HMGET', KEYS[1], 'version', 'mark', 'owner', 'provider_session')
if ARGV[5] ~= '0' and stored[1] ~= ARGV[5] then
	return not stored[1] and mark == ARGV[4] and 1 or 0
end
if (stored[3] or ARGV[1]) ~= ARGV[1] or (stored[4] or ARGV[2]) ~= ARGV[2] then
	return 2
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('ZREM', KEYS[3], ARGV[3])
redis.call('ZREM', KEYS[4], ARGV[3])
if not at or tonumber(at) < tonumber(ARGV[6]) then
	at = ARGV[6]
end
if not ends or tonumber(ends) < tonumber(ARGV[7]) then
	ends = ARGV[7]
end
redis.call('HSET', KEYS[5], ARGV[3], at .. ' ' .. ends .. ' ' .. ARGV[4] .. ' ' .. (stored[2] or writer or '-'))
redis.call('ZADD', KEYS[6], at, ARGV[3])
redis.call('ZADD', KEYS[7], ends, ARGV[3])
return 1
`)

// KEYS: a list, then sessions. ARGV: the field that it lists by, its value, then the sessions' IDs in the same order.
// Removes from the list the sessions that are not there any more.
var tidyScript = redis.NewScript(`
for i = 2, #KEYS do
	if redis.call('HGET', KEYS[i], ARGV[1]) ~= ARGV[2] then
		redis.call('ZREM', KEYS[1], ARGV[i + 1])
	end
end
return 1
`)

// KEYS: the keys. ARGV: generation, mark, then fields and values.
var addKeyScript = redis.NewScript(`
local mark = redis.call('HGET', KEYS[1], ARGV[1] .. ':mark')
if mark then
	return mark == ARGV[2] and 1 or 0
end
redis.call('HSET', KEYS[1], ARGV[1] .. ':mark', ARGV[2], unpack(ARGV, 3))
return 1
`)

// KEYS: the keys. ARGV: the field for Until, its new value, the value that means none.
var retireScript = redis.NewScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[3] then
	redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
`)

// KEYS: the index, then for each session its key and its two lists. ARGV: now, then for each its ID, owner and session at
// the provider. Returns how many have ended. One that is in other lists waits for the next call.
var purgeSessionsScript = redis.NewScript(`
local removed = 0
for i = 2, #ARGV, 3 do
	local ends = redis.call('ZSCORE', KEYS[1], ARGV[i])
	local stored = redis.call('HMGET', KEYS[i], 'owner', 'provider_session')
	local same = (stored[1] or ARGV[i + 1]) == ARGV[i + 1] and (stored[2] or ARGV[i + 2]) == ARGV[i + 2]
	if same and ends and tonumber(ends) <= tonumber(ARGV[1]) then
		redis.call('DEL', KEYS[i])
		redis.call('ZREM', KEYS[1], ARGV[i])
		redis.call('ZREM', KEYS[i + 1], ARGV[i])
		redis.call('ZREM', KEYS[i + 2], ARGV[i])
		removed = removed + 1
	end
end
return removed
`)

// KEYS: the feed, its two indexes. ARGV: now, then IDs. Returns how many have ended.
var purgeRevokedScript = redis.NewScript(`
local removed = 0
for i = 2, #ARGV do
	local ends = redis.call('ZSCORE', KEYS[3], ARGV[i])
	if ends and tonumber(ends) <= tonumber(ARGV[1]) then
		redis.call('HDEL', KEYS[1], ARGV[i])
		redis.call('ZREM', KEYS[2], ARGV[i])
		redis.call('ZREM', KEYS[3], ARGV[i])
		removed = removed + 1
	end
end
return removed
`)

// KEYS: the keys. ARGV: now, the value that means no end. Returns how many have ended.
var purgeKeysScript = redis.NewScript(`
local removed = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
	local generation = string.match(field, '^(%-?%d+):until$')
	if generation then
		local ends = redis.call('HGET', KEYS[1], field)
		if ends ~= ARGV[2] and tonumber(ends) <= tonumber(ARGV[1]) then
			redis.call('HDEL', KEYS[1], field, generation .. ':id', generation .. ':sealed', generation .. ':from', generation .. ':mark')
			removed = removed + 1
		end
	end
end
return removed
`)
