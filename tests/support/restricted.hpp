#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <functional>
#include <thread>

/// Code on a thread that may do less than the rest of the process, as a hardened service may.
namespace fusegate::testing_support {

/// Without the rights of root, where the test has them. False when the system does not let it go.
inline bool without_rights(const std::function<void()>& act) {
  bool done = false;
  std::thread([&] {
    constexpr long kNobody = 65534;
    // The system call, because the function of the library is for all threads.
    if (::geteuid() == 0 && ::syscall(SYS_setresuid, -1L, kNobody, -1L) != 0) {
      return;
    }
    done = true;
    act();
  }).join();
  return done;
}

/// On a machine that knows no IPv6, or forbids it (RestrictAddressFamilies of systemd). False when
/// the system takes no filter of system calls.
inline bool without_ipv6(const std::function<void()>& act) {
  bool done = false;
  std::thread([&] {
    constexpr auto kLoad = BPF_LD | BPF_W | BPF_ABS;
    constexpr auto kEqual = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr auto kReturn = BPF_RET | BPF_K;
    sock_filter rules[] = {
        BPF_STMT(kLoad, offsetof(seccomp_data, nr)),         BPF_JUMP(kEqual, SYS_socket, 0, 3),
        BPF_STMT(kLoad, offsetof(seccomp_data, args[0])),    BPF_JUMP(kEqual, AF_INET6, 0, 1),
        BPF_STMT(kReturn, SECCOMP_RET_ERRNO | EAFNOSUPPORT), BPF_STMT(kReturn, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof rules / sizeof rules[0], rules};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
      return;
    }
    done = true;
    act();
  }).join();
  return done;
}

}  // namespace fusegate::testing_support
