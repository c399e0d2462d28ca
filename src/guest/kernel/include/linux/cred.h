#include <linux/types.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>
#include <linux/capability.h>
/* @structs */
/* @kapi */
#define current_cred() (current->cred)
#define __task_cred(task) ((task)->real_cred)
#define get_current_cred() get_cred(current_cred())
#define get_cred(c) ({ const struct cred *__c = (c); __atomic_fetch_add((long *)&__c->usage, 1, __ATOMIC_SEQ_CST); __c; })
#define put_cred(c) do { const struct cred *__c = (c); if (__c && __atomic_sub_fetch((long *)&__c->usage, 1, __ATOMIC_SEQ_CST) == 0) __put_cred((struct cred *)__c); } while (0)
#define task_cred_xxx(task, xxx) (__task_cred(task)->xxx)
#define task_uid(task) task_cred_xxx(task, uid)
#define task_euid(task) task_cred_xxx(task, euid)
#define current_uid() (current->cred->uid)
#define current_gid() (current->cred->gid)
#define current_euid() (current->cred->euid)
#define current_egid() (current->cred->egid)
#define current_suid() (current->cred->suid)
#define current_fsuid() (current->cred->fsuid)
#define current_fsgid() (current->cred->fsgid)
#define current_user_ns() (current->cred->user_ns)
