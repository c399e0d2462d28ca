#include <linux/spinlock_types.h>
#include <linux/preempt.h>
#include <linux/irqflags.h>
/* @kapi */
#define raw_spin_lock_init(l) (*(l) = (raw_spinlock_t){ 0 })
#define spin_lock_init(l) raw_spin_lock_init(&(l)->rlock)
#define rwlock_init(l) (*(l) = (rwlock_t){ 0 })
#define raw_spin_lock(l) _raw_spin_lock(l)
#define raw_spin_unlock(l) _raw_spin_unlock(l)
#define raw_spin_lock_irqsave(l, flags) ((flags) = _raw_spin_lock_irqsave(l))
#define raw_spin_unlock_irqrestore(l, flags) _raw_spin_unlock_irqrestore(l, flags)
static __always_inline void spin_lock(spinlock_t *lock) { _raw_spin_lock(&lock->rlock); }
static __always_inline void spin_lock_bh(spinlock_t *lock) { _raw_spin_lock_bh(&lock->rlock); }
static __always_inline void spin_lock_irq(spinlock_t *lock) { _raw_spin_lock_irq(&lock->rlock); }
static __always_inline int spin_trylock(spinlock_t *lock) { return _raw_spin_trylock(&lock->rlock); }
static __always_inline void spin_unlock(spinlock_t *lock) { _raw_spin_unlock(&lock->rlock); }
static __always_inline void spin_unlock_bh(spinlock_t *lock) { _raw_spin_unlock_bh(&lock->rlock); }
static __always_inline void spin_unlock_irq(spinlock_t *lock) { _raw_spin_unlock_irq(&lock->rlock); }
static __always_inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags) { _raw_spin_unlock_irqrestore(&lock->rlock, flags); }
static __always_inline int spin_is_locked(spinlock_t *lock) { return lock->rlock.slock != 0; }
#define spin_lock_irqsave(lock, flags) ((flags) = _raw_spin_lock_irqsave(&(lock)->rlock))
#define spin_trylock_irqsave(lock, flags) ({ local_irq_save(flags); spin_trylock(lock) ? 1 : ({ local_irq_restore(flags); 0; }); })
#define spin_lock_nested(lock, sub) spin_lock(lock)
#define assert_spin_locked(l) do { } while (0)
#define read_lock(l) _raw_read_lock(l)
#define read_unlock(l) _raw_read_unlock(l)
#define read_trylock(l) _raw_read_trylock(l)
#define write_lock(l) _raw_write_lock(l)
#define write_unlock(l) _raw_write_unlock(l)
#define write_trylock(l) _raw_write_trylock(l)
#define read_lock_irqsave(l, flags) ((flags) = _raw_read_lock_irqsave(l))
#define read_unlock_irqrestore(l, flags) _raw_read_unlock_irqrestore(l, flags)
#define write_lock_irqsave(l, flags) ((flags) = _raw_write_lock_irqsave(l))
#define write_unlock_irqrestore(l, flags) _raw_write_unlock_irqrestore(l, flags)
#define read_lock_bh(l) do { local_bh_disable(); _raw_read_lock(l); } while (0)
#define read_unlock_bh(l) do { _raw_read_unlock(l); local_bh_enable(); } while (0)
#define write_lock_bh(l) do { local_bh_disable(); _raw_write_lock(l); } while (0)
#define write_unlock_bh(l) do { _raw_write_unlock(l); local_bh_enable(); } while (0)
#define read_lock_irq(l) do { local_irq_disable(); _raw_read_lock(l); } while (0)
#define read_unlock_irq(l) do { _raw_read_unlock(l); local_irq_enable(); } while (0)
#define write_lock_irq(l) do { local_irq_disable(); _raw_write_lock(l); } while (0)
#define write_unlock_irq(l) do { _raw_write_unlock(l); local_irq_enable(); } while (0)
#define local_bh_disable() preempt_count_add(2 * SOFTIRQ_OFFSET)
#define local_bh_enable() __local_bh_enable_ip(_THIS_IP_, 2 * SOFTIRQ_OFFSET)
