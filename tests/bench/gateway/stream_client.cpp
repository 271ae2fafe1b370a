#include "tests/bench/gateway/stream_client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::string_view piece_mark = R"("content":")";
constexpr std::string_view done_mark = "data: [DONE]";
constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr int silence_ms = 20'000;

struct stream {
  int fd = -1;
  steady::time_point asked;
  bool has_begun = false;
  stream_reader reader;
};

/// All streams of one thread.
class stream_load {
 public:
  stream_load(const front_process& front, std::string_view body, int count, int pieces)
      : front_{front}, request_{request_of(front, body)}, left_{count}, pieces_{pieces} {}
  ~stream_load() {
    for (auto& each : streams_) ::close(each->fd);
    ::close(epoll_);
  }
  stream_load(const stream_load&) = delete;
  stream_load& operator=(const stream_load&) = delete;

  streams_result run(int connections) {
    for (int i = 0; i < connections; ++i) {
      streams_.push_back(std::make_unique<stream>());
      connect(*streams_.back());
    }
    auto start = steady::now();
    auto asked = left_;
    for (auto& each : streams_) ask(*each);
    std::array<epoll_event, 256> events;
    while (out_.whole + out_.failed < asked) {
      auto count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), silence_ms);
      if (count <= 0) break;
      for (int i = 0; i < count; ++i)
        read(*static_cast<stream*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
    out_.failed = asked - out_.whole;
    out_.per_s = out_.whole / seconds_since(start);
    return std::move(out_);
  }

 private:
  void connect(stream& each) {
    each.fd = connect_to(front_.port());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &each;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, each.fd, &event);
  }

  void ask(stream& each) {
    if (left_ == 0) return;
    --left_;
    each.reader = {};
    each.has_begun = false;
    // Before: an engine on this core may answer before send() returns.
    each.asked = steady::now();
    if (::send(each.fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) ++out_.failed;
  }

  void read(stream& each) {
    auto got = ::recv(each.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return give_up_on(each);
    auto news = each.reader.feed({buffer_.data(), static_cast<std::size_t>(got)});
    if (news > 0 && !std::exchange(each.has_begun, true)) {
      out_.first_s.push_back(seconds_since(each.asked));
      out_.open_most = std::max(out_.open_most, ++open_);
    }
    if (!each.reader.is_over()) return;
    open_ -= each.has_begun ? 1 : 0;
    if (each.reader.pieces() == pieces_ && each.reader.has_done())
      ++out_.whole;
    else
      ++out_.failed;
    ask(each);
  }

  void give_up_on(stream& each) {
    ++out_.failed;
    open_ -= each.has_begun ? 1 : 0;
    ::close(each.fd);
    connect(each);
    ask(each);
  }

  const front_process& front_;
  std::string request_;
  int left_;
  int pieces_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int open_ = 0;
  std::vector<std::unique_ptr<stream>> streams_;
  std::vector<char> buffer_ = std::vector<char>(64 * 1024);
  streams_result out_;
};

/// Where wrk would be.
void move_to_load_core() {
  if (std::thread::hardware_concurrency() < 2) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(1, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace

int connect_to(std::uint16_t port, int receive_bytes) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_bytes != 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  to.sin_port = ::htons(port);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    give_up("cannot connect to port " + std::to_string(port));
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::string request_of(const front_process& front, std::string_view body) {
  std::string out =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(front.port()) +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n";
  for (const auto& line : front.headers) out += line + "\r\n";
  return out.append("\r\n").append(body);
}

std::string read_answer(int fd) {
  std::string in;
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return {};
    in.append(buffer.data(), static_cast<std::size_t>(got));
    auto end = in.find("\r\n\r\n");
    auto length = in.find("Content-Length: ");
    if (end != in.npos && length < end && in.size() >= end + 4 + std::stoul(in.substr(length + 16)))
      return in;
  }
}

std::string ask_once(const front_process& front, std::string_view body) {
  auto fd = connect_to(front.port());
  auto request = request_of(front, body);
  std::string out;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) out = read_answer(fd);
  ::close(fd);
  return out;
}

int stream_reader::feed(std::string_view bytes) {
  rest_.append(bytes);
  auto before = pieces_;
  std::size_t seen = 0;
  for (auto at = rest_.find(piece_mark); at != rest_.npos; at = rest_.find(piece_mark, seen)) {
    // Of an empty text or not is known with its first byte.
    if (at + piece_mark.size() == rest_.size()) break;
    seen = at + piece_mark.size();
    if (rest_[seen] != '"') ++pieces_;
  }
  has_done_ = has_done_ || rest_.find(done_mark, seen) != rest_.npos;
  is_over_ = rest_.ends_with(last_chunk);
  // What a mark may begin in stays.
  auto kept = std::min(rest_.size() - seen, 2 * piece_mark.size() + done_mark.size());
  rest_.erase(0, rest_.size() - kept);
  return pieces_ - before;
}

streams_result run_streams(const front_process& front, std::string_view body, int connections,
                           int count, int pieces) {
  // A thread of its own is what can be moved without taking the bench along.
  return std::async(std::launch::async,
                    [&] {
                      move_to_load_core();
                      return stream_load{front, body, count, pieces}.run(connections);
                    })
      .get();
}

}  // namespace tandem::bench
