#include <linux/bitmap.h>
#include <linux/smp.h>
#define NR_CPUS 1
#define num_online_cpus() 1U
#define num_possible_cpus() 1U
#define num_present_cpus() 1U
#define cpu_online(cpu) ((cpu) == 0)
#define cpu_possible(cpu) ((cpu) == 0)
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define for_each_online_cpu(cpu) for_each_possible_cpu(cpu)
#define for_each_present_cpu(cpu) for_each_possible_cpu(cpu)
#define for_each_cpu(cpu, mask) for ((cpu) = 0; (cpu) < 1 && ((mask)->bits[0] & 1); (cpu)++)
#define cpumask_of(cpu) (&(const struct cpumask){ { 1UL << (cpu) } })
#define cpumask_bits(maskp) ((maskp)->bits)
#define cpu_online_mask cpumask_of(0)
#define cpu_possible_mask cpumask_of(0)
static inline void cpumask_clear(struct cpumask *mask) { mask->bits[0] = 0; }
static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *mask) { mask->bits[0] |= 1UL << cpu; }
static inline int cpumask_test_cpu(int cpu, const struct cpumask *mask) { return (mask->bits[0] >> cpu) & 1; }
static inline unsigned int cpumask_weight(const struct cpumask *mask) { return mask->bits[0] & 1; }
