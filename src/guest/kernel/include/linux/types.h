/* The integer types and the small structures that everything uses. */
#include <linux/compiler.h>

typedef signed char s8, __s8, int8_t;
typedef unsigned char u8, __u8, uint8_t, u_int8_t, unchar, u_char;
typedef short s16, __s16, int16_t;
typedef unsigned short u16, __u16, uint16_t, u_int16_t, ushort, u_short;
typedef int s32, __s32, int32_t;
typedef unsigned int u32, __u32, uint32_t, u_int32_t, uint, u_int;
typedef long long s64, __s64, int64_t;
typedef unsigned long long u64, __u64, uint64_t, u_int64_t;
typedef u16 __le16, __be16;
typedef u32 __le32, __be32, __wsum;
typedef u64 __le64, __be64;
typedef u16 __sum16;
typedef unsigned long ulong, u_long, uintptr_t;
typedef long intptr_t, ptrdiff_t, __kernel_long_t;
typedef _Bool bool;
enum { false = 0, true = 1 };

typedef unsigned long __kernel_size_t, __kernel_ulong_t;
typedef long __kernel_ssize_t;
typedef __kernel_size_t size_t;
typedef __kernel_ssize_t ssize_t;
typedef int __kernel_pid_t;
typedef __kernel_pid_t pid_t;
typedef unsigned int uid_t, gid_t, uid16_t, __poll_t, slab_flags_t;
typedef u32 dev_t;
typedef unsigned short umode_t, mode_t;
typedef unsigned int nlink_t;
typedef unsigned long ino_t;
typedef long long loff_t;
typedef long off_t, clock_t, time_t, suseconds_t;
typedef long long time64_t;
typedef s64 ktime_t;
typedef u64 sector_t, blkcnt_t, dma_addr_t, phys_addr_t, resource_size_t;
typedef unsigned int gfp_t, fmode_t, vm_fault_t;
typedef unsigned long pgoff_t, cycles_t, irq_hw_number_t;
typedef int clockid_t, key_t, timer_t, mqd_t;
typedef char *caddr_t;
typedef void *fl_owner_t;
typedef struct { uid_t val; } kuid_t;
typedef struct { gid_t val; } kgid_t;
typedef struct { unsigned long sig[1]; } sigset_t;
typedef struct cpumask { unsigned long bits[1]; } cpumask_t;
typedef struct { u64 val; } kernel_cap_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pud; } pud_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef struct pm_message { int event; } pm_message_t;
struct lock_class_key { };

#ifndef NULL
#define NULL ((void *)0)
#endif
#define offsetof(TYPE, MEMBER) __builtin_offsetof(TYPE, MEMBER)
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + 63) / 64]

/* @structs */
#define rcu_head callback_head
