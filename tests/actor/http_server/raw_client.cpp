#include "tests/actor/http_server/raw_client.hpp"

#include <cerrno>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem::test {
namespace {

constexpr int patience_s = 20;

std::string value_of(const std::string& head, std::string_view name) {
  auto at = head.find("\r\n" + std::string{name} + ": ");
  if (at == head.npos) return {};
  at += name.size() + 4;
  return head.substr(at, head.find("\r\n", at) - at);
}

}  // namespace

raw_client::raw_client(std::uint16_t port, int receive_bytes)
    : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  timeval patience{patience_s, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (receive_bytes > 0)
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error{"raw_client cannot connect"};
}

raw_client::~raw_client() {
  ::close(socket_);
}

bool raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto done = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

bool raw_client::read_more() {
  char bytes[16'384];
  auto done = ::recv(socket_, bytes, sizeof bytes, 0);
  if (done > 0) {
    in_.append(bytes, static_cast<std::size_t>(done));
    return true;
  }
  if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error{"nothing comes; so far: '" + in_ + "'"};
  was_reset_ = done < 0;
  return false;
}

std::string raw_client::read_until(std::string_view mark) {
  std::size_t at = 0;
  while ((at = in_.find(mark)) == in_.npos)
    if (!read_more()) throw std::runtime_error{"no '" + std::string{mark} + "' in '" + in_ + "'"};
  auto out = in_.substr(0, at + mark.size());
  in_.erase(0, at + mark.size());
  return out;
}

std::string raw_client::read_to_end(bool* was_reset) {
  while (read_more()) {
  }
  if (was_reset != nullptr) *was_reset = was_reset_;
  return std::exchange(in_, {});
}

bool raw_client::is_at_end() {
  return in_.empty() && !read_more();
}

raw_client::answer raw_client::read_answer(bool has_body) {
  answer out;
  out.head = read_until("\r\n\r\n");
  out.status = static_cast<unsigned>(std::stoul(out.head.substr(9, 3)));
  auto length = value_of(out.head, "Content-Length");
  auto coding = value_of(out.head, "Transfer-Encoding");
  out.is_whole = true;
  if (!has_body || out.status == 204 || out.status == 304) return out;
  if (!length.empty()) {
    auto bytes = std::stoul(length);
    while (in_.size() < bytes && out.is_whole) out.is_whole = read_more();
    out.body = in_.substr(0, bytes);
    in_.erase(0, bytes);
  } else if (coding == "chunked") {
    for (;;) {
      while (in_.find("\r\n") == in_.npos)
        if (!read_more()) {
          out.is_whole = false;
          return out;
        }
      auto bytes = std::stoul(read_until("\r\n"), nullptr, 16);
      while (in_.size() < bytes + 2)
        if (!read_more()) throw std::runtime_error{"half a chunk"};
      out.body += in_.substr(0, bytes);
      in_.erase(0, bytes + 2);
      if (bytes == 0) return out;
    }
  } else {
    out.body = read_to_end();
    out.is_whole = !was_reset_;
  }
  return out;
}

void raw_client::half_close() {
  ::shutdown(socket_, SHUT_WR);
}

void raw_client::reset() {
  linger hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(socket_);
  socket_ = -1;
}

}  // namespace tandem::test
