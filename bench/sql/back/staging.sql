-- Tables of the session: the input of a batch, and the keys that a step hands to the statements behind it.
CREATE TEMP TABLE input_return (n int, order_id uuid, number int, line_id uuid, units int, reason text, grade text);
CREATE TEMP TABLE new_return (batch int, n int, id uuid, number text, order_id uuid, node_id uuid, bin_id uuid);
CREATE TEMP TABLE new_line (batch int, n int, number int, id uuid, return_id uuid, order_id uuid, line_id uuid, sku_id uuid,
                            node_id uuid, bin_id uuid, units int, reason text, grade text);
CREATE TEMP TABLE new_receipt (batch int, n int, number int, id uuid, line uuid, return_id uuid, order_line uuid, sku_id uuid,
                               node_id uuid, bin_id uuid, bucket_id uuid, units int, cost_minor bigint, grade text);
CREATE TEMP TABLE new_inspection (batch int, n int, number int, id uuid, line uuid, return_id uuid, order_line uuid,
                                  sku_id uuid, node_id uuid, bin_id uuid, units int, grade text, proposed text);
CREATE TEMP TABLE new_disposition (n int, number int, id uuid, line uuid, inspection uuid, return_id uuid, order_line uuid,
                                   sku_id uuid, node_id uuid, source uuid, to_bin uuid, target uuid, units int,
                                   proposed text, status text);
CREATE TEMP TABLE new_refund (n int, id uuid, number text, return_id uuid, order_id uuid, payment_id uuid, total bigint);
CREATE TEMP TABLE new_entry (id uuid, event text, kind text, document_kind text, document uuid, amount bigint)
