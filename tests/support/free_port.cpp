#include "tests/support/free_port.hpp"

#include <cstddef>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace tandem::test {
namespace {

constexpr std::uint32_t first = 20'000;
constexpr std::uint32_t count = 12'000;

/// A name in the kernel's abstract namespace (unix(7)) that other tests see and that goes with this
/// process. What is open for it stays open.
bool claim(std::uint32_t port) {
  auto fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto name = "tandem-test-port-" + std::to_string(port);
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return true;
  ::close(fd);
  return false;
}

bool nothing_listens(std::uint32_t port) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  auto free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
              ::listen(fd, 1) == 0;
  ::close(fd);
  return free;
}

}  // namespace

std::uint16_t free_port() {
  auto start = static_cast<std::uint32_t>(::getpid()) * 37u;
  for (std::uint32_t tries = 0; tries < count; ++tries) {
    auto port = first + (start + tries) % count;
    if (claim(port) && nothing_listens(port)) return static_cast<std::uint16_t>(port);
  }
  throw std::runtime_error{"no free port on loopback"};
}

std::string free_address() {
  return "127.0.0.1:" + std::to_string(free_port());
}

}  // namespace tandem::test
