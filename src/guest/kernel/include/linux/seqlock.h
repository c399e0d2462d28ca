#include <linux/spinlock.h>
/* @structs */
#define DEFINE_SEQLOCK(x) seqlock_t x = { { 0 } }
#define seqlock_init(x) (*(x) = (seqlock_t){ { 0 } })
static inline unsigned read_seqbegin(const seqlock_t *sl) { unsigned s = READ_ONCE(sl->seqcount.sequence); smp_rmb(); return s & ~1; }
static inline unsigned read_seqretry(const seqlock_t *sl, unsigned start) { smp_rmb(); return READ_ONCE(sl->seqcount.sequence) != start; }
static inline void write_seqlock(seqlock_t *sl) { spin_lock(&sl->lock); sl->seqcount.sequence++; smp_wmb(); }
static inline void write_sequnlock(seqlock_t *sl) { smp_wmb(); sl->seqcount.sequence++; spin_unlock(&sl->lock); }
