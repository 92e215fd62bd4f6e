from django.db import migrations

CODES = """
CREATE FUNCTION pg_temp.coded(told text, patterns text[], codes text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(p.code) || (SELECT jsonb_agg(CASE WHEN f ~ '^[0-9]{1,15}$' THEN to_jsonb(f::bigint)
                                                               ELSE to_jsonb(f) END ORDER BY n)
                                         FROM unnest(regexp_match(told, p.pattern)) WITH ORDINALITY AS x(f, n))
    FROM unnest(patterns, codes) WITH ORDINALITY AS p(pattern, code, place) WHERE told ~ p.pattern
    ORDER BY p.place LIMIT 1
$$;
UPDATE shipping_shipment AS h
SET reasons = (h.reasons - 'services') || jsonb_build_object(
    'why', CASE WHEN h.reasons ->> 'why' = 'none carries it' AND h.reasons -> 'services' = '[]'
                THEN to_jsonb('own_means'::text) ELSE COALESCE(jsonb_build_object(
        'asked for', 'asked_for', 'the only one', 'only_one', 'none carries it', 'none', 'the least in all', 'least',
        'the only one in time', 'only_in_time', 'the fastest, none is in time', 'fastest'
    ) -> (h.reasons ->> 'why'), h.reasons -> 'why') END,
    'barred', COALESCE((
        SELECT jsonb_agg(jsonb_build_array(s -> 0) || c.coded ORDER BY n)
        FROM jsonb_array_elements(h.reasons -> 'services') WITH ORDINALITY AS x(s, n)
        CROSS JOIN LATERAL (SELECT pg_temp.coded(
            s ->> 1,
            ARRAY['^does not go from (.*) to (.*)$', '^asks in (.*), not in (.*)$',
                  '^carries up to (.*) mm, its longest side is (.*) mm$', '^carries up to (.*) g, charged for (.*) g$',
                  '^has no rate for (.*) g in zone (.*)$'],
            ARRAY['not_there', 'other_currency', 'too_long', 'too_heavy', 'no_rate']) AS coded) AS c
        WHERE c.coded IS NOT NULL), '[]'),
    'candidates', COALESCE((
        SELECT jsonb_agg(c || jsonb_build_object(
            'note', COALESCE(pg_temp.coded(
                c ->> 'note',
                ARRAY['^([^:]+): was not asked$', '^([^:]+): its quote is too old$',
                      '^([^:]+): quotes in (.*), not in (.*)$', '^([^:]+): (.*)$'],
                ARRAY['not_asked', 'too_old', 'other_currency', 'problem']), '[]'),
            'timed_by', CASE WHEN (c ->> 'days')::int IS DISTINCT FROM v.transit_days THEN COALESCE(c ->> 'source', 'table')
                             ELSE 'table' END) ORDER BY n)
        FROM jsonb_array_elements(h.reasons -> 'candidates') WITH ORDINALITY AS x(c, n)
        LEFT JOIN carriage_service AS v ON v.company_id = h.company_id AND v.code = c ->> 'service'), '[]'))
WHERE h.reasons ? 'services';
DROP FUNCTION pg_temp.coded(text, text[], text[]);
"""
"""Sentences become codes with their facts. What a carrier took for a place was kept without a word of who had said so:
where it is not the time of the service, it was whoever gave the price. None carried it where none was set up."""


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0011_days_quoted"),
        ("carriage", "0002_surcharges"),
    ]

    operations = [migrations.RunSQL(CODES, migrations.RunSQL.noop)]
