package redisstore

import "github.com/redis/go-redis/v9"

// Each script is one step that happens whole or not at all. Its first write is the one that a full server refuses; after
// it Redis lets the others pass. Versions and marks are compared as texts; milliseconds are numbers, exact below 2^53.
// A mark is random text that each call of a method makes: the client sends a command again when the connection broke,
// and by its mark a script finds that it has run already.

// keep gives a session's hash a native end. That is for garbage alone, if Purge is never called: a day after the session
// has ended by the server's clock, or a day from now when it has ended already.
const keep = `
local function keep(key, expires)
	local now = redis.call('TIME')
	local last = math.max(tonumber(expires), tonumber(now[1]) * 1000)
	redis.call('PEXPIREAT', key, string.format('%.0f', last + 86400000))
end
`

// KEYS: the session, the index. ARGV: ID, mark, expires, then fields and values.
var putScript = redis.NewScript(keep + `
local mark = redis.call('HGET', KEYS[1], 'mark')
if mark then
	return mark == ARGV[2] and 1 or 0
end
redis.call('HSET', KEYS[1], 'mark', ARGV[2], unpack(ARGV, 4))
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
keep(KEYS[1], ARGV[3])
return 1
`)

// KEYS: the session, the index. ARGV: ID, mark, expires, the version that is replaced, the one after it, then fields and
// values.
var swapScript = redis.NewScript(keep + `
local stored = redis.call('HMGET', KEYS[1], 'version', 'mark')
if stored[1] ~= ARGV[4] then
	return stored[1] == ARGV[5] and stored[2] == ARGV[2] and 1 or 0
end
redis.call('HSET', KEYS[1], 'mark', ARGV[2], 'version', ARGV[5], unpack(ARGV, 6))
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
keep(KEYS[1], ARGV[3])
return 1
`)

// KEYS: the session, the index, the feed, its two indexes. ARGV: ID, mark, version or 0, now, until. Deletion comes
// first: a full server does not refuse it, and takes the rest after it, so that it still revokes.
var revokeScript = redis.NewScript(`
local at, ends, mark
local entry = redis.call('HGET', KEYS[3], ARGV[1])
if entry then
	at, ends, mark = string.match(entry, '^(%S+) (%S+) (%S+)$')
end
if ARGV[3] ~= '0' then
	local version = redis.call('HGET', KEYS[1], 'version')
	if version ~= ARGV[3] then
		return not version and mark == ARGV[2] and 1 or 0
	end
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if not at or tonumber(at) < tonumber(ARGV[4]) then
	at = ARGV[4]
end
if not ends or tonumber(ends) < tonumber(ARGV[5]) then
	ends = ARGV[5]
end
redis.call('HSET', KEYS[3], ARGV[1], at .. ' ' .. ends .. ' ' .. ARGV[2])
redis.call('ZADD', KEYS[4], at, ARGV[1])
redis.call('ZADD', KEYS[5], ends, ARGV[1])
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

// KEYS: the index, then sessions. ARGV: now, then the sessions' IDs in the same order. Returns how many have ended.
var purgeSessionsScript = redis.NewScript(`
local removed = 0
for i = 2, #ARGV do
	local expires = redis.call('ZSCORE', KEYS[1], ARGV[i])
	if expires and tonumber(expires) <= tonumber(ARGV[1]) then
		redis.call('DEL', KEYS[i])
		redis.call('ZREM', KEYS[1], ARGV[i])
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
