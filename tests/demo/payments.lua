-- wrk sends payments, each with an id of its own: wrk ... URL -- PREFIX [keyed]
local prefix, keyed, count = "", false, 0

function init(args)
  prefix = args[1]
  keyed = args[2] == "keyed"
end

function request()
  count = count + 1
  local id = prefix .. "-" .. count
  local headers = { ["Content-Type"] = "application/json", ["X-Payment"] = id }
  if keyed then headers["Idempotency-Key"] = id end
  return wrk.format("POST", "/payments", headers, '{"payment":"' .. id .. '","cents":1200}')
end

function done(summary)
  local errors = summary.errors
  io.write(string.format("figures: requests=%d refused=%d broken=%d\n", summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
