-- Tables of the session: the input of a batch, and the keys that a step hands to the statements behind it.
CREATE TEMP TABLE input_order (n int, key text, external_id text, channel text, customer text, currency text,
                               country text, postal_code text);
CREATE TEMP TABLE input_line (n int, number int, sku text, quantity int, unit_price numeric);
CREATE TEMP TABLE known_order (batch int, n int, id uuid);
CREATE TEMP TABLE known_fulfillment (batch int, n int, id uuid, order_id uuid);

CREATE TEMP TABLE chosen (n int, id uuid, order_id uuid);
CREATE TEMP TABLE new_order (n int, id uuid, number text, key text, channel_id uuid, priority smallint, external_id text,
                             customer_id uuid, currency text, country text, postal_code text, goods_minor bigint,
                             line_count int);
CREATE TEMP TABLE preference (channel_id uuid, country text, node_id uuid, codes text[]);
CREATE TEMP TABLE promised (id uuid, order_id uuid, line_id uuid, sku_id uuid, node_id uuid, channel_id uuid,
                            quantity int, priority smallint, promise_at timestamptz, placed_at timestamptz, policy text,
                            codes text[]);
CREATE TEMP TABLE new_fulfillment (n int, id uuid, number text, order_id uuid, node_id uuid, service text,
                                   priority smallint, promise_at timestamptz, placed_at timestamptz);
CREATE TEMP TABLE new_line (id uuid, n int, number int, fulfillment_id uuid, order_id uuid, line_id uuid,
                            allocation_id uuid, sku_id uuid, node_id uuid, quantity int);
CREATE TEMP TABLE new_task (id uuid, fulfillment_id uuid, fulfillmentline_id uuid, order_id uuid, line_id uuid,
                            allocation_id uuid, sku_id uuid, node_id uuid, bucket_id uuid, bin_id uuid, lot text,
                            serial text, quantity int, sequence int);
CREATE TEMP TABLE picking (n int, number int, sequence int, fulfillment_id uuid, order_id uuid, line_id uuid, sku_id uuid,
                           bucket_id uuid, target_id uuid, quantity int);
CREATE TEMP TABLE new_package (id uuid, number text, fulfillment_id uuid, order_id uuid, weight_g int, carton text,
                               priority smallint, due_at timestamptz);
CREATE TEMP TABLE new_shipment (id uuid, number text, n int, fulfillment_id uuid, order_id uuid, node_id uuid,
                                staging_bin_id uuid, promise_at timestamptz, order_currency text, external_id text,
                                channel text, carrier text, service_id uuid, zone text, cost_minor bigint,
                                currency text, reasons jsonb);
CREATE TEMP TABLE leaving (shipment_id uuid, order_id uuid, line_id uuid, allocation_id uuid, sku_id uuid, node_id uuid,
                           bucket_id uuid, quantity int, n int, number int, sequence int, value_minor bigint,
                           gross_minor bigint, discount_minor bigint, shipping_minor bigint, tax_minor bigint);
CREATE TEMP TABLE new_entry (id uuid, event text, kind text, shipment_id uuid, currency text, amount_minor bigint)
