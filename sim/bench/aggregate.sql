-- Count, bytes, last access and decayed frequency by segment over tumbling windows: what actors/aggregator computes.
-- $width and $half_life are in the unit of time_ms. A window is [n * width, (n + 1) * width); unknown sizes are negative.
SELECT
  floor(time_ms / $width) AS window_index,
  segment,
  sum(weight) AS count,
  sum(CASE WHEN size > 0 THEN size * weight ELSE 0 END) AS bytes,
  max(time_ms) AS last,
  sum(weight * pow(0.5, ((floor(time_ms / $width) + 1) * $width - time_ms) / $half_life)) AS decayed
FROM accesses
GROUP BY ALL
