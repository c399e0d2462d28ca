/* A list of structs that is built at init, walked, and freed at exit. */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/list_sort.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <linux/version.h>

struct birthday {
	int day, month, year;
	struct list_head list;
};

static LIST_HEAD(birthday_list);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0)
static int by_date(void *priv, const struct list_head *a, const struct list_head *b)
#else
static int by_date(void *priv, struct list_head *a, struct list_head *b)
#endif
{
	const struct birthday *x = container_of(a, struct birthday, list), *y = container_of(b, struct birthday, list);

	++*(int *)priv;
	return x->month != y->month ? x->month - y->month : x->day - y->day;
}

static int __init birthdays_init(void)
{
	static const int dates[5][3] = { { 2, 8, 1995 }, { 24, 12, 1990 }, { 1, 1, 2001 }, { 2, 8, 1977 }, { 30, 6, 1988 } };
	struct birthday *person;
	int i, asked = 0;

	for (i = 0; i < ARRAY_SIZE(dates); i++) {
		person = kmalloc(sizeof(*person), GFP_KERNEL);
		if (!person)
			return -ENOMEM;
		person->day = dates[i][0];
		person->month = dates[i][1];
		person->year = dates[i][2];
		INIT_LIST_HEAD(&person->list);
		list_add_tail(&person->list, &birthday_list);
	}
	list_sort(&asked, &birthday_list, by_date);
	list_for_each_entry(person, &birthday_list, list)
		printk(KERN_INFO "birthdays: %02d.%02d.%d\n", person->day, person->month, person->year);
	printk(KERN_INFO "birthdays: first %d last %d compared %s\n",
	       list_first_entry(&birthday_list, struct birthday, list)->year,
	       list_last_entry(&birthday_list, struct birthday, list)->year, asked >= 4 ? "enough" : "too little");
	return 0;
}

static void __exit birthdays_exit(void)
{
	struct birthday *ptr, *next;
	int freed = 0;

	list_for_each_entry_safe(ptr, next, &birthday_list, list) {
		list_del(&ptr->list);
		kfree(ptr);
		freed++;
	}
	printk(KERN_INFO "birthdays: freed %d, empty %d\n", freed, list_empty(&birthday_list));
}

module_init(birthdays_init);
module_exit(birthdays_exit);
MODULE_LICENSE("GPL");
