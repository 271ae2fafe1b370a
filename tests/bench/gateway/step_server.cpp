#include "tests/bench/gateway/step_server.hpp"

#include <array>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

constexpr std::string_view nothing_here =
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto done = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

std::string chunk_of(std::string_view event) {
  auto line = "data: " + std::string{event} + "\n\n";
  std::array<char, 24> size;
  std::snprintf(size.data(), size.size(), "%zx\r\n", line.size());
  return size.data() + line + "\r\n";
}

std::string piece_of(std::string_view delta, std::string_view finish) {
  return chunk_of(R"({"id":"s","object":"chat.completion.chunk","created":1,"model":"stub",)"
                  R"("choices":[{"index":0,"delta":{)" +
                  std::string{delta} + R"(},"finish_reason":)" + std::string{finish} + "}]}");
}

std::size_t body_bytes(const std::string& head) {
  for (const char* name : {"Content-Length: ", "content-length: "})
    if (auto at = head.find(name); at != head.npos) return std::stoul(head.substr(at + 16));
  return 0;
}

}  // namespace

step_server::step_server() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    give_up("no port for the engine that goes step by step");
  port_ = ::ntohs(at.sin_port);
  accepting_ = std::thread{[this] { accept_all(); }};
}

step_server::~step_server() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    for (auto fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (auto& each : serving_) each.join();
  ::close(listener_);
}

void step_server::begin(int pieces, std::size_t piece_bytes) {
  std::lock_guard lock{mutex_};
  pieces_ = pieces;
  piece_bytes_ = piece_bytes;
  allowed_ = 0;
}

void step_server::allow(int pieces) {
  {
    std::lock_guard lock{mutex_};
    allowed_ = pieces;
  }
  changed_.notify_all();
}

void step_server::accept_all() {
  for (;;) {
    auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::lock_guard lock{mutex_};
    open_.push_back(fd);
    serving_.emplace_back([this, fd] { serve(fd); });
  }
}

void step_server::serve(int fd) {
  std::string in;
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    auto end = in.find("\r\n\r\n");
    auto whole = end == in.npos ? in.npos : end + 4 + body_bytes(in.substr(0, end + 2));
    if (in.size() < whole) {
      auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      in.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    auto request = in.substr(0, whole);
    in.erase(0, whole);
    if (!answer(fd, request)) break;
  }
  std::lock_guard lock{mutex_};
  std::erase(open_, fd);
  ::close(fd);
}

bool step_server::answer(int fd, const std::string& request) {
  auto is_stream = request.starts_with("POST /v1/chat/completions") &&
                   request.find(R"("stream":true)") != request.npos;
  if (!is_stream) return send_all(fd, nothing_here);
  if (stream(fd)) return true;
  std::lock_guard lock{mutex_};
  if (!stopping_) ++left_;
  return false;
}

bool step_server::stream(int fd) {
  int pieces = 0;
  std::string text;
  {
    std::lock_guard lock{mutex_};
    pieces = pieces_;
    text.assign(piece_bytes_, 'x');
  }
  if (!send_all(fd,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                "Transfer-Encoding: chunked\r\n\r\n" +
                    piece_of(R"("role":"assistant","content":"")", "null")))
    return false;
  auto piece = piece_of(R"("content":")" + text + '"', "null");
  for (int sent = 0; sent < pieces; ++sent) {
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [&] { return stopping_ || allowed_ > sent; });
      if (stopping_) return false;
    }
    if (!send_all(fd, piece)) return false;
  }
  return send_all(fd, piece_of("", R"("stop")") + chunk_of("[DONE]") + "0\r\n\r\n");
}

}  // namespace tandem::bench
