/* Children that make random system calls; nothing may come of it but errors. See fuzz.slow.ts. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
int main(int ac,char**av){ int rounds=atoi(av[1]), base=atoi(av[2]);
 char*buf=mmap(0,1<<20,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); strcpy(buf,"/tmp/fz"); strcpy(buf+100,"/proc/self"); strcpy(buf+200,"a"); strcpy(buf+300,"/dev/null"); for(int i=1000;i<5000;i++)buf[i]=i*7;
 for(int r=0;r<rounds;r++){ pid_t p=fork(); if(p==0){ srand(base+r); setsid(); if(!getenv("FZ")){int z=open("/dev/null",O_RDWR);dup2(z,0);dup2(z,1);dup2(z,2);close(z);} chdir("/tmp"); alarm(2); pipe((int[2]){}); open("/tmp/fz",O_RDWR|O_CREAT,0666); open("/tmp",O_RDONLY); socket(AF_UNIX,SOCK_STREAM,0); epoll_create1(0); eventfd(3,0); open("/proc/self/status",O_RDONLY); open("/dev/zero",O_RDWR); open("/dev/ptmx",O_RDWR); open("/dev/tty",O_RDWR);
  for(int i=0;i<400;i++){ long nr=rand()%300; if(nr>=295) nr=400+rand()%60; if(nr==93||nr==94||nr==142||nr==129||nr==130||nr==131||nr==117||nr==138||nr==271||nr==424||nr==261||nr==240) continue; long a[6]; for(int j=0;j<6;j++){ switch(rand()%9){case 0:case 1:a[j]=rand()%14;break;case 2:a[j]=-(rand()%5);break;case 3:a[j]=(long)buf;break;case 4:a[j]=((long)rand()<<33)^rand();break;case 5:a[j]=(long)buf+100*(rand()%20);break;case 6: a[j]=rand()%100000;break; case 7:a[j]=(long)main;break;default:a[j]=1L<<(rand()%40);} } 
   if(getenv("FZ")){char t[200]; int n=sprintf(t,"%d: %ld(%lx,%lx,%lx,%lx,%lx,%lx)\n",r,nr,a[0],a[1],a[2],a[3],a[4],a[5]); write(2,t,n);} syscall(nr,a[0],a[1],a[2],a[3],a[4],a[5]); } _exit(0);} {int d=0; for(int t=0;t<200&&!d;t++){usleep(10000); d=waitpid(p,0,WNOHANG)!=0;} kill(-p,9); if(!d){kill(p,9);waitpid(p,0,0);}} }
 puts("survived"); return 0; }
