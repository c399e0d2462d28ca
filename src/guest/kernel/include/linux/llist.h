/* Lists with one pointer that need no lock to add to. */
#include <linux/atomic.h>
#include <linux/container_of.h>
struct llist_node { struct llist_node *next; };
struct llist_head { struct llist_node *first; };
#define LLIST_HEAD_INIT(name) { NULL }
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)
#define llist_entry(ptr, type, member) container_of(ptr, type, member)
#define member_address_is_nonnull(ptr, member) ((uintptr_t)(ptr) + offsetof(__typeof__(*(ptr)), member) != 0)
static inline void init_llist_head(struct llist_head *list) { list->first = NULL; }
static inline bool llist_empty(const struct llist_head *head) { return READ_ONCE(head->first) == NULL; }
static inline bool llist_add(struct llist_node *new, struct llist_head *head)
{
	struct llist_node *first = READ_ONCE(head->first);

	do
		new->next = first;
	while (!try_cmpxchg(&head->first, &first, new));
	return !first;
}
static inline struct llist_node *llist_del_all(struct llist_head *head) { return xchg(&head->first, NULL); }
static inline struct llist_node *llist_del_first(struct llist_head *head)
{
	struct llist_node *entry = READ_ONCE(head->first);

	while (entry && !try_cmpxchg(&head->first, &entry, entry->next))
		;
	return entry;
}
static inline struct llist_node *llist_reverse_order(struct llist_node *head)
{
	struct llist_node *new_head = NULL, *tmp;

	while (head) {
		tmp = head;
		head = head->next;
		tmp->next = new_head;
		new_head = tmp;
	}
	return new_head;
}
#define llist_for_each(pos, node) for ((pos) = (node); pos; (pos) = (pos)->next)
#define llist_for_each_entry(pos, node, member) \
	for ((pos) = llist_entry((node), __typeof__(*(pos)), member); member_address_is_nonnull(pos, member); \
	     (pos) = llist_entry((pos)->member.next, __typeof__(*(pos)), member))
#define llist_for_each_entry_safe(pos, n, node, member) \
	for (pos = llist_entry((node), __typeof__(*pos), member); \
	     member_address_is_nonnull(pos, member) && (n = llist_entry(pos->member.next, __typeof__(*n), member), true); pos = n)
