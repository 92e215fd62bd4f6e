from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0037_final_sale'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='line',
            index=models.Index(condition=models.Q(('sku_id__isnull', False)), fields=['sku_id', 'order_id'], name='orders_line_of_sku'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['company_id', 'placed_at'], name='orders_order_by_placing'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['company_id', 'country', 'id'], name='orders_order_by_country'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['company_id', 'currency', 'total_minor'], name='orders_order_by_total'),
        ),
    ]
