SELECT w.sku_id, w.wanted, p.there, p.promised, a.promised
FROM (SELECT sku_id, sum(quantity) AS wanted FROM orders_line WHERE sku_code LIKE 'LINE-%' GROUP BY 1) AS w
JOIN (SELECT sku_id, sum(sellable) AS there, sum(allocated) AS promised FROM stock_position GROUP BY 1) AS p USING (sku_id)
LEFT JOIN (SELECT sku_id, sum(quantity) AS promised FROM stock_allocation GROUP BY 1) AS a USING (sku_id)
WHERE p.promised <> least(w.wanted, p.there) OR COALESCE(a.promised, 0) <> p.promised
