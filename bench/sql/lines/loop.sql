-- Line by line in the server, as one would write it first: each takes what the nodes have, in their order.
CREATE TEMP TABLE asked ON COMMIT DROP AS SELECT unnest(%(orders)s::uuid[]) AS id;

DO $$
DECLARE
    line record; place record; wanted int; units int;
BEGIN
    FOR line IN
        SELECT l.id, l.order_id, l.sku_id, l.open, o.channel_id, o.priority, o.promise_at, o.placed_at
        FROM asked AS a JOIN orders_order AS o ON o.id = a.id JOIN orders_line AS l ON l.order_id = o.id AND l.open > 0
        ORDER BY o.priority DESC, COALESCE(o.promise_at, 'infinity'), o.placed_at, o.id, l.number
    LOOP
        wanted := line.open;
        FOR place IN
            SELECT p.node_id, p.sellable - p.reserved - p.allocated - p.safety AS free
            FROM stock_position AS p JOIN network_node AS n ON n.id = p.node_id
            JOIN network_channelnode AS c ON c.node_id = n.id AND c.channel_id = line.channel_id
            WHERE p.sku_id = line.sku_id AND p.owner_id = 1
            ORDER BY n.priority + c.priority, n.code FOR UPDATE OF p
        LOOP
            units := least(wanted, place.free);
            CONTINUE WHEN units <= 0;
            INSERT INTO stock_allocation (id, company_id, order_id, line_id, sku_id, node_id, owner_id, channel_id,
                quantity, fenced, priority, promise_at, ordered_at)
            VALUES (uuidv7(), 1, line.order_id, line.id, line.sku_id, place.node_id, 1, line.channel_id, units, 0,
                line.priority, line.promise_at, line.placed_at);
            UPDATE stock_position SET allocated = allocated + units
            WHERE sku_id = line.sku_id AND node_id = place.node_id AND owner_id = 1;
            wanted := wanted - units;
            EXIT WHEN wanted = 0;
        END LOOP;
        UPDATE orders_line SET allocated = allocated + open - wanted, backordered = wanted, open = 0 WHERE id = line.id;
        IF wanted > 0 THEN
            INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at, promised_on)
            VALUES (line.id, 1, line.order_id, line.sku_id, wanted, line.priority, line.placed_at, '2026-11-30');
        END IF;
    END LOOP;
END $$
