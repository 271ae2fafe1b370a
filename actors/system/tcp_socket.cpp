#include "actors/system/tcp_socket.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem {

tcp_socket::~tcp_socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

tcp_connection connect_tcp(const std::string& host, std::uint16_t port,
                           std::chrono::milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found))
    return {{}, ::gai_strerror(code)};
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses{found, &::freeaddrinfo};
  tcp_connection result{{}, "no address"};
  for (auto* at = found; at != nullptr; at = at->ai_next) {
    tcp_socket candidate{::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol)};
    auto ms = timeout.count();
    timeval limit{.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    auto fd = candidate.descriptor();
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fd >= 0 && ::connect(fd, at->ai_addr, at->ai_addrlen) == 0)
      return {std::move(candidate), {}};
    result.problem = errno == EINPROGRESS ? "it does not answer" : std::strerror(errno);
  }
  return result;
}

}  // namespace tandem
