#include "tests/integration/engines/plain_socket.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace tandem::test {

plain_socket::plain_socket(std::uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
  auto why = errno;
  ::close(fd_);
  throw std::system_error(why, std::generic_category(), "connect");
}

plain_socket::~plain_socket() {
  close();
}

void plain_socket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void plain_socket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void plain_socket::ask(std::string_view body, std::string_view more_headers) {
  send("POST /v1/chat/completions HTTP/1.1\r\nHost: stub\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n" + std::string{more_headers} + "\r\n" +
       std::string{body});
}

void plain_socket::get(std::string_view path) {
  send("GET " + std::string{path} + " HTTP/1.1\r\nHost: stub\r\n\r\n");
}

std::string plain_socket::read_to(std::string_view end) {
  std::string all;
  std::array<char, 16384> buffer;
  while (end.empty() || !all.ends_with(end)) {
    auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count < 0) reset_ = errno == ECONNRESET;
    if (count <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return all;
}

std::string plain_socket::read_all() {
  return read_to({});
}

}  // namespace tandem::test
