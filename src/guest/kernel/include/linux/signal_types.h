#include <linux/types.h>
#include <linux/list.h>
/* @structs */
#define siginfo kernel_siginfo
typedef struct kernel_siginfo kernel_siginfo_t;
#define _NSIG 64
#define _NSIG_BPW 64
#define _NSIG_WORDS 1
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGIO 29
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE -1
#define SEND_SIG_NOINFO ((struct kernel_siginfo *)0)
#define SEND_SIG_PRIV ((struct kernel_siginfo *)1)
static inline void sigfillset(sigset_t *set) { set->sig[0] = ~0UL; }
static inline void sigemptyset(sigset_t *set) { set->sig[0] = 0; }
static inline void sigaddset(sigset_t *set, int sig) { set->sig[0] |= 1UL << (sig - 1); }
static inline int sigismember(const sigset_t *set, int sig) { return (set->sig[0] >> (sig - 1)) & 1; }
#define clear_siginfo(info) (*(info) = (struct kernel_siginfo){ 0 })
