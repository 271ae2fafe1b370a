#include "tests/support/stub_collector.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

#include <simdjson.h>

namespace tandem::test {
namespace {

/// Whoever stalls here has a bug: the test ends with what has come.
constexpr timeval patience{.tv_sec = 10, .tv_usec = 0};

std::size_t body_size(const std::string& head) {
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto at = lower.find("content-length:");
  return at == lower.npos ? 0 : std::strtoull(lower.c_str() + at + 15, nullptr, 10);
}

std::string text_of(simdjson::dom::element from, const char* key) {
  std::string_view text;
  return from[key].get(text) ? std::string{} : std::string{text};
}

}  // namespace

bool collected_span::has(const std::string& attribute) const {
  return std::find(attributes.begin(), attributes.end(), attribute) != attributes.end();
}

stub_collector::stub_collector() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, plain, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, plain, &size) != 0)
    throw std::runtime_error{"the stub collector has no port"};
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

stub_collector::~stub_collector() {
  std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof(one));
  thread_.join();
  ::close(listener_);
  ::close(stop_);
}

std::string stub_collector::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void stub_collector::answer_with(std::vector<int> statuses) {
  const std::lock_guard lock{mutex_};
  statuses_.assign(statuses.begin(), statuses.end());
}

std::vector<collected_span> stub_collector::spans() {
  const std::lock_guard lock{mutex_};
  return spans_;
}

std::vector<std::string> stub_collector::heads() {
  const std::lock_guard lock{mutex_};
  return heads_;
}

bool stub_collector::wait_for_spans(std::size_t count, std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, limit, [&] { return spans_.size() >= count; });
}

bool stub_collector::wait_for(const std::string& name, std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, limit, [&] {
    return std::any_of(spans_.begin(), spans_.end(),
                       [&](const auto& each) { return each.name == name; });
  });
}

void stub_collector::run() {
  std::array<pollfd, 2> waits{{{listener_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (::poll(waits.data(), waits.size(), -1) >= 0 && waits[1].revents == 0) {
    auto connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    serve(connection);
    ::close(connection);
  }
}

void stub_collector::serve(int connection) {
  std::string request;
  std::size_t head = std::string::npos;
  std::array<char, 16 * 1024> piece{};
  while (head == std::string::npos || request.size() < head + body_size(request.substr(0, head))) {
    auto size = ::recv(connection, piece.data(), piece.size(), 0);
    if (size <= 0) return;
    request.append(piece.data(), static_cast<std::size_t>(size));
    if (auto end = request.find("\r\n\r\n"); end != std::string::npos) head = end + 4;
  }
  int status = 200;
  {
    const std::lock_guard lock{mutex_};
    heads_.push_back(request.substr(0, head));
    if (!statuses_.empty()) {
      status = statuses_.front();
      statuses_.pop_front();
    }
  }
  if (status == 200) take(request.substr(head));
  changed_.notify_all();
  if (status == 0) return;
  auto answer = "HTTP/1.1 " + std::to_string(status) +
                " As told\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                "Connection: close\r\n\r\n{}";
  (void)!::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
}

void stub_collector::take(const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(simdjson::padded_string{body}).get(document)) return;
  auto attributes_of = [](simdjson::dom::element from) {
    std::vector<std::string> out;
    for (auto each : simdjson::dom::array{from["attributes"]})
      for (auto [kind, value] : simdjson::dom::object{each["value"]})
        out.push_back(text_of(each, "key") + '=' + simdjson::minify(value));
    return out;
  };
  const std::lock_guard lock{mutex_};
  for (auto resource : simdjson::dom::array{document["resourceSpans"]}) {
    collected_span sample;
    for (const auto& each : attributes_of(resource["resource"]))
      if (each.starts_with("service.instance.id=")) sample.node = each.substr(20);
    for (auto scope : simdjson::dom::array{resource["scopeSpans"]}) {
      for (auto from : simdjson::dom::array{scope["spans"]}) {
        auto one = sample;
        one.trace = text_of(from, "traceId");
        one.id = text_of(from, "spanId");
        one.parent = text_of(from, "parentSpanId");
        one.name = text_of(from, "name");
        one.kind = static_cast<int>(std::int64_t{from["kind"]});
        one.attributes = attributes_of(from);
        one.error = text_of(from["status"], "message");
        simdjson::dom::array events;
        if (!from["events"].get(events))
          for (auto event : events) one.events.push_back(text_of(event, "name"));
        spans_.push_back(std::move(one));
      }
    }
  }
}

}  // namespace tandem::test
