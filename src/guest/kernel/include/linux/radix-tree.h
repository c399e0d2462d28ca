/* Arrays with holes, under their older name. */
#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/preempt.h>
/* @structs */
#define RADIX_TREE_INIT(name, mask) { .gfp_mask = (mask) }
#define RADIX_TREE(name, mask) struct radix_tree_root name = RADIX_TREE_INIT(name, mask)
#define INIT_RADIX_TREE(root, mask) (*(root) = (struct radix_tree_root)RADIX_TREE_INIT(root, mask))
/* @kapi */
#define radix_tree_preload(gfp) ({ (void)(gfp); preempt_disable(); 0; })
#define radix_tree_preload_end() preempt_enable()
