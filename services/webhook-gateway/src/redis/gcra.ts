/**
 * The generic cell rate algorithm, as a script for rate-limiter-flexible: a plugin may use up its minute at once, and gets one more request
 * each time a minute's share has passed. Unlike counting by fixed windows it lets no two minutes' worth through around the turn of one.
 * Kept is one time per plugin: when its minute would be whole again. Answers how many are used, and the milliseconds until there is one
 * more (refused) or until all are there again.
 */
export const GCRA_SCRIPT = `
local now_parts = redis.call('time')
local now = now_parts[1] * 1000 + now_parts[2] / 1000
local limit = tonumber(ARGV[3])
local window = tonumber(ARGV[4]) * 1000
local share = window / limit
local whole_at = math.max(tonumber(redis.call('get', KEYS[1]) or '0'), now)
local then_whole_at = whole_at + share * tonumber(ARGV[1])
if then_whole_at - now > window + 0.001 then
  return {limit + 1, math.ceil(then_whole_at - window - now)}
end
redis.call('set', KEYS[1], string.format('%.3f', then_whole_at), 'PX', math.ceil(then_whole_at - now))
return {math.ceil((then_whole_at - now) / share - 0.001), math.ceil(then_whole_at - now)}
`;
