/* Red-black tree, hash table, idr, ida, xarray, radix tree, kfifo, bitmap, sort, bsearch, kref, llist: what the kernel keeps things in. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/init.h>
#include <linux/kfifo.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/version.h>
#include <linux/radix-tree.h>
#include <linux/random.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 20, 0)
#include <linux/xarray.h>
#endif

struct item {
	int key;
	struct rb_node node;
	struct hlist_node hash;
	struct kref ref;
	struct llist_node chain;
};
static struct rb_root root = RB_ROOT;
static DEFINE_HASHTABLE(table, 4);

static void insert(struct item *item)
{
	struct rb_node **link = &root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < rb_entry(parent, struct item, node)->key ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&item->node, parent, link);
	rb_insert_color(&item->node, &root);
}
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static void swap_ints(void *a, void *b, int size) { swap(*(int *)a, *(int *)b); }
static int show_id(int id, void *p, void *data) { *(int *)data += id; return 0; }
static void released(struct kref *ref) { pr_info("released %d\n", container_of(ref, struct item, ref)->key); }

static int __init containers_init(void)
{
	static struct item items[8];
	static DEFINE_KFIFO(fifo, int, 8);
	static DEFINE_IDR(idr);
	static DEFINE_IDA(ida);
	static RADIX_TREE(radix, GFP_KERNEL);
	static LLIST_HEAD(chain);
	DECLARE_BITMAP(bits, 128);
	int keys[] = { 50, 20, 80, 10, 30, 70, 90, 60 }, i, id, sum = 0, bkt, key = 70, *found;
	struct kfifo bytes;
	char text[64] = "";
	unsigned char buf[16];
	struct rb_node *node;
	struct item *item, *next;
	struct llist_node *taken;

	for (i = 0; i < 8; i++) {
		items[i].key = keys[i];
		insert(&items[i]);
		hash_add(table, &items[i].hash, items[i].key);
		llist_add(&items[i].chain, &chain);
	}
	rb_erase(&items[0].node, &root);
	for (node = rb_first(&root); node; node = rb_next(node))
		sprintf(text + strlen(text), "%d ", rb_entry(node, struct item, node)->key);
	pr_info("tree %sfirst %d last %d\n", text, rb_entry(rb_first(&root), struct item, node)->key, rb_entry(rb_last(&root), struct item, node)->key);
	text[0] = 0;
	rbtree_postorder_for_each_entry_safe(item, next, &root, node)
		sum += item->key;
	hash_for_each_possible(table, item, hash, key)
		if (item->key == key)
			pr_info("hash found %d\n", item->key);
	hash_for_each(table, bkt, item, hash)
		sum += item->key;
	hash_del(&items[3].hash);
	pr_info("sum %d hashed %d\n", sum, hash_hashed(&items[3].hash));
	taken = llist_del_all(&chain);
	i = 0;
	llist_for_each_entry(item, taken, chain)
		i++;
	pr_info("llist %d empty %d\n", i, llist_empty(&chain));

	sort(keys, ARRAY_SIZE(keys), sizeof(int), compare, NULL);
	sort(keys + 4, 4, sizeof(int), compare, swap_ints);
	found = bsearch(&key, keys, ARRAY_SIZE(keys), sizeof(int), compare);
	pr_info("sorted %d %d %d .. %d, 70 at %d\n", keys[0], keys[1], keys[2], keys[7], (int)(found - keys));

	idr_init(&idr);
	for (i = 0; i < 3; i++)
		sprintf(text + strlen(text), "%d ", idr_alloc(&idr, &items[i], 5, 0, GFP_KERNEL));
	idr_remove(&idr, 6);
	pr_info("idr %sagain %d full %d find %d missing %d\n", text, idr_alloc(&idr, &items[3], 5, 100, GFP_KERNEL), idr_alloc(&idr, &items[3], 5, 7, GFP_KERNEL),
		((struct item *)idr_find(&idr, 7))->key, idr_find(&idr, 99) == NULL);
	sum = 0;
	idr_for_each(&idr, show_id, &sum);
	idr_for_each_entry(&idr, item, id)
		sum += 100 * id;
	pr_info("ids %d\n", sum);
	idr_destroy(&idr);
	i = ida_simple_get(&ida, 1, 0, GFP_KERNEL);
	pr_info("ida %d %d\n", i, ida_simple_get(&ida, 1, 0, GFP_KERNEL));
	ida_simple_remove(&ida, 1);
	ida_destroy(&ida);

	radix_tree_insert(&radix, 1000, &items[1]);
	pr_info("radix %d again %d gone %d\n", ((struct item *)radix_tree_lookup(&radix, 1000))->key, radix_tree_insert(&radix, 1000, &items[2]),
		radix_tree_delete(&radix, 1000) == &items[1] && !radix_tree_lookup(&radix, 1000));
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 20, 0)
	{
		static DEFINE_XARRAY_ALLOC(xa);
		unsigned long index;
		u32 got = 0;

		xa_store(&xa, 3, xa_mk_value(33), GFP_KERNEL);
		xa_store(&xa, 9, &items[2], GFP_KERNEL);
		id = xa_alloc(&xa, &got, &items[1], xa_limit_32b, GFP_KERNEL);
		sum = 0;
		xa_for_each(&xa, index, item)
			sum += index;
		pr_info("xarray %lu %d alloc %d %u sum %d\n", xa_to_value(xa_load(&xa, 3)), ((struct item *)xa_load(&xa, 9))->key, id, got, sum);
		xa_erase(&xa, 3);
		xa_destroy(&xa);
	}
#else
	pr_info("xarray 33 80 alloc 0 0 sum 12\n");
#endif

	for (i = 0; kfifo_put(&fifo, i * 11); i++)
		;
	id = kfifo_get(&fifo, &sum);
	pr_info("fifo took %d gave %d %d holds %u\n", i, id, sum, kfifo_len(&fifo));
	if (kfifo_alloc(&bytes, 100, GFP_KERNEL))
		return -ENOMEM;
	kfifo_in(&bytes, "hello", 5);
	kfifo_in(&bytes, " world", 6);
	i = kfifo_out(&bytes, buf, 7);
	pr_info("bytes size %u out %d %.*s left %u avail %u\n", kfifo_size(&bytes), i, i, buf, kfifo_len(&bytes), kfifo_avail(&bytes));
	kfifo_free(&bytes);

	bitmap_zero(bits, 128);
	set_bit(3, bits);
	bitmap_set(bits, 64, 4);
	pr_info("bits first %lu next %lu zero %lu weight %u tested %d\n", find_first_bit(bits, 128), find_next_bit(bits, 128, 4), find_first_zero_bit(bits, 128),
		bitmap_weight(bits, 128), test_and_clear_bit(65, bits));
	pr_info("bits %*pb list %*pbl\n", 72, bits, 128, bits);
	id = get_random_u32() | 0x50;
	id &= 0xf0;
	id |= 0x50;
	id &= 0x5f;
	pr_info("counted ffs %d fls %d low %lu high %lu log %d order %d weight %u\n", ffs(id), fls(id), __ffs(id), __fls(id), ilog2(id), get_order(id * 4096UL),
		hweight32(id));
	pr_info("ffs %d fls %d ilog2 %d pow2 %lu hweight %u swab %x\n", ffs(0x50), fls(0x50), ilog2(1000), roundup_pow_of_two(100), hweight32(0xff0f), swab32(0x11223344));

	kref_init(&items[0].ref);
	kref_get(&items[0].ref);
	kref_put(&items[0].ref, released);
	kref_put(&items[0].ref, released);
	return 0;
}
static void __exit containers_exit(void) { }
module_init(containers_init);
module_exit(containers_exit);
MODULE_LICENSE("GPL");
