-- Order by order and line by line in the server, as one would write it first: each takes what the nodes have, in their
-- order, and what is told of an order is written once its lines are served. It leaves what the others leave.
CREATE TEMP TABLE asked ON COMMIT DROP AS SELECT unnest(%(orders)s::uuid[]) AS id;

DO $$
DECLARE
    "order" record; line record; place record;
    wanted int; units int; promised int; short int; now_is text; given jsonb;
    at CONSTANT timestamptz := %(at)s; correlation CONSTANT uuid := %(correlation)s;
BEGIN
    FOR "order" IN
        SELECT o.id, o.channel_id, o.priority, o.promise_at, o.placed_at
        FROM asked AS a JOIN orders_order AS o ON o.id = a.id
        ORDER BY o.priority DESC, COALESCE(o.promise_at, 'infinity'), o.placed_at, o.id
    LOOP
        PERFORM FROM orders_order WHERE id = "order".id FOR UPDATE;
        promised := 0; short := 0;
        FOR line IN
            SELECT id, sku_id, open FROM orders_line WHERE order_id = "order".id AND open > 0 ORDER BY number
        LOOP
            wanted := line.open;
            FOR place IN
                SELECT p.node_id, p.sellable - p.reserved - p.allocated - p.safety AS free
                FROM stock_position AS p JOIN network_node AS n ON n.id = p.node_id
                JOIN network_channelnode AS c ON c.node_id = n.id AND c.channel_id = "order".channel_id
                WHERE p.sku_id = line.sku_id AND p.owner_id = 1
                ORDER BY n.priority + c.priority, n.code FOR UPDATE OF p
            LOOP
                units := least(wanted, place.free);
                CONTINUE WHEN units <= 0;
                INSERT INTO stock_allocation (id, company_id, order_id, line_id, sku_id, node_id, owner_id, channel_id,
                    quantity, fenced, priority, promise_at, ordered_at)
                VALUES (uuidv7(), 1, "order".id, line.id, line.sku_id, place.node_id, 1, "order".channel_id, units, 0,
                    "order".priority, "order".promise_at, "order".placed_at);
                UPDATE stock_position SET allocated = allocated + units
                WHERE sku_id = line.sku_id AND node_id = place.node_id AND owner_id = 1;
                wanted := wanted - units;
                EXIT WHEN wanted = 0;
            END LOOP;
            UPDATE orders_line SET allocated = allocated + open - wanted, backordered = wanted, open = 0
            WHERE id = line.id;
            IF wanted > 0 THEN
                INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at,
                    promised_on)
                VALUES (line.id, 1, "order".id, line.sku_id, wanted, "order".priority, "order".placed_at,
                    (at + interval '7 days')::date);
                INSERT INTO kernel_ready (queue, subject, priority, due_at) VALUES ('peg', line.sku_id, 5, at)
                ON CONFLICT DO NOTHING;
            END IF;
            promised := promised + line.open - wanted;
            short := short + wanted;
        END LOOP;
        now_is := CASE WHEN promised > 0 THEN 'warehouse release' ELSE 'inventory hold' END;
        UPDATE orders_order SET status = now_is WHERE id = "order".id;
        INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id,
            state_before, state_after, reason, correlation)
        VALUES (at, at, 'system:bench', 'sourcing.allocate', 1, 'order', "order".id, 'ready', now_is, 'a benchmark',
            correlation);
        SELECT jsonb_agg(jsonb_build_array(code, its)) INTO given
        FROM (SELECT n.code, sum(a.quantity) AS its FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id
              WHERE a.order_id = "order".id GROUP BY 1) AS by_node;
        INSERT INTO sourcing_decision (company_id, order_id, profile_version, outcome, reasons, decided_at)
        VALUES (1, "order".id, 1, CASE WHEN short > 0 THEN 'part backordered' ELSE 'split' END,
            jsonb_build_object('why', 'each line from the first nodes that have some', 'policy', 'partial_backorder',
                               'candidates', given), at);
        IF short > 0 THEN
            INSERT INTO work_item (id, company_id, type, subject_kind, subject_id, reason, facts, role, owner, priority,
                state, dedupe, opened_at, due_at, root_cause, kind, points, terms, ranked_at)
            VALUES (uuidv7(), 1, 'backorder', 'order', "order".id, short || ' units wait for stock',
                jsonb_build_object('units', short), 'inventory manager', '', 50, 'open', "order".id::text, at,
                at + interval '2 days', '', 'exception', 0, '{}', at);
        END IF;
        DELETE FROM kernel_ready WHERE queue = 'allocate' AND subject = "order".id;
        IF promised > 0 THEN
            INSERT INTO kernel_ready (queue, subject, priority, due_at)
            VALUES ('release', "order".id, "order".priority, "order".placed_at);
        END IF;
    END LOOP;
    INSERT INTO stock_unpublished (sku_id)
    SELECT DISTINCT sku_id FROM stock_allocation WHERE order_id IN (SELECT id FROM asked);
END $$
