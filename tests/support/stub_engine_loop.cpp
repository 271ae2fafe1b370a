#include "tests/support/stub_engine_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <future>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int listen_on(std::uint16_t& port) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("stub: socket");
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, plain, size) != 0 || ::listen(fd, 4096) != 0 ||
      ::getsockname(fd, plain, &size) != 0) {
    ::close(fd);
    fail("stub: listen");
  }
  port = ntohs(address.sin_port);
  return fd;
}

void reset(int fd) {
  linger hard{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

}  // namespace

stub_engine::loop::loop(stub_options chosen, stub_handler first)
    : options{std::move(chosen)}, handler{std::move(first)} {
  if (!handler)
    handler = [](const stub_request& r) { return stub_answer::say(std::string{r.user}); };
  start();
}

stub_engine::loop::~loop() {
  stop();
}

void stub_engine::loop::start() {
  if (running_) return;
  listener_ = listen_on(options.port);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (int fd : {listener_, wake_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("stub: epoll_ctl");
  }
  running_ = true;
  thread_ = std::thread{[this] { run(); }};
}

void stub_engine::loop::stop() {
  if (!thread_.joinable()) return;
  call([this] { running_ = false; });
  thread_.join();
  close_all();
  for (int fd : {listener_, epoll_, wake_}) ::close(fd);
}

void stub_engine::loop::call(const std::function<void()>& action) {
  if (!thread_.joinable() || std::this_thread::get_id() == thread_.get_id()) {
    action();
    return;
  }
  std::promise<void> done;
  {
    std::lock_guard lock{mutex_};
    commands_.emplace_back([&] {
      action();
      done.set_value();
    });
  }
  ::eventfd_write(wake_, 1);
  done.get_future().wait();
}

bool stub_engine::loop::wait(std::function<bool(const stub_counts&)> seen,
                             std::chrono::milliseconds limit) {
  auto told = std::make_shared<std::promise<void>>();
  std::uint64_t id = 0;
  call([&] {
    id = ++waiter_ids_;
    if (seen(counts)) {
      told->set_value();
    } else {
      waiters_.push_back({id, seen, [told] { told->set_value(); }});
    }
  });
  auto future = told->get_future();
  static_cast<void>(future.wait_for(limit));
  call([&] { std::erase_if(waiters_, [&](const waiter& w) { return w.id == id; }); });
  return future.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

void stub_engine::loop::run_commands() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_, &ignored);
  std::vector<std::function<void()>> commands;
  {
    std::lock_guard lock{mutex_};
    commands.swap(commands_);
  }
  for (auto& command : commands) command();
}

void stub_engine::loop::ring_alarms() {
  auto now = clock::now();
  while (!alarms_.empty() && alarms_.top().due <= now) {
    auto [due, fd, serial] = alarms_.top();
    alarms_.pop();
    auto found = connections_.find(fd);
    if (found == connections_.end() || found->second->serial != serial) continue;
    auto& c = *found->second;
    c.armed = false;
    produce(c);
    static_cast<void>(flush(c));
  }
}

void stub_engine::loop::run() {
  std::array<epoll_event, 256> events{};
  while (running_) {
    timespec until{};
    if (!alarms_.empty()) {
      auto left = std::max(clock::duration{0}, alarms_.top().due - clock::now());
      auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      until = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    }
    auto count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                                alarms_.empty() ? nullptr : &until, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == wake_) {
        run_commands();
      } else if (event.data.fd == listener_) {
        accept_all();
      } else if (auto found = connections_.find(event.data.fd); found != connections_.end()) {
        auto& c = *found->second;
        if ((event.events & EPOLLOUT) != 0 && !flush(c)) continue;
        if ((event.events & ~EPOLLOUT) != 0) read_from(c);
      }
    }
    ring_alarms();
    std::erase_if(waiters_, [&](waiter& w) {
      if (!w.seen(counts)) return false;
      w.tell();
      return true;
    });
  }
}

void stub_engine::loop::accept_all() {
  for (;;) {
    auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    ++counts.connections;
    if (accept_ == stub_accept::ignore) {
      ignored_.push_back(fd);
      continue;
    }
    if (accept_ != stub_accept::normal) {
      if (accept_ == stub_accept::reset) reset(fd);
      ::close(fd);
      continue;
    }
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto c = std::make_unique<connection>();
    c->fd = fd;
    c->serial = ++serials_;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    connections_[fd] = std::move(c);
    ++counts.connections_open;
  }
}

void stub_engine::loop::read_from(connection& c) {
  std::array<char, 65536> buffer;
  for (;;) {
    auto count = ::recv(c.fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) {
      gone(c, true);
      return;
    }
    c.in.append(buffer.data(), static_cast<std::size_t>(count));
    if (static_cast<std::size_t>(count) < buffer.size()) break;
  }
  if (!c.busy) serve(c);
}

void stub_engine::loop::watch(connection& c, bool out) {
  if (c.wants_out == out) return;
  c.wants_out = out;
  epoll_event event{};
  event.events = EPOLLIN | (out ? EPOLLOUT : 0U);
  event.data.fd = c.fd;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
}

bool stub_engine::loop::flush(connection& c) {
  while (c.out_at < c.out.size()) {
    auto count = ::send(c.fd, c.out.data() + c.out_at, c.out.size() - c.out_at, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN) {
        watch(c, true);
        return true;
      }
      gone(c, true);
      return false;
    }
    c.out_at += static_cast<std::size_t>(count);
    c.response_sent += static_cast<std::size_t>(count);
  }
  c.out.clear();
  c.out_at = 0;
  if (c.endless) {
    while (c.out.size() < 64UL * 1024) c.out += *c.answer.body;
    apply_cut(c);
    watch(c, true);
    return true;
  }
  watch(c, false);
  if (!c.busy) return true;
  if (c.at == phase::over) return end_answer(c);
  if (!c.armed) produce(c);
  return c.out.empty() ? true : flush(c);
}

bool stub_engine::loop::end_answer(connection& c) {
  c.busy = false;
  ++c.answered;
  if (c.chat) {
    --counts.open;
    if (c.spoilt) ++counts.cut;
  }
  if (c.close_after) {
    if (c.reset_after) reset(c.fd);
    c.chat = false;
    gone(c, false);
    return false;
  }
  auto fd = c.fd;
  if (!c.in.empty()) serve(c);
  return connections_.contains(fd);
}

void stub_engine::loop::gone(connection& c, bool by_client) {
  if (c.busy && c.chat) {
    --counts.open;
    ++(by_client ? counts.cancelled : counts.cut);
  }
  --counts.connections_open;
  ::close(c.fd);
  connections_.erase(c.fd);
}

void stub_engine::loop::close_idle() {
  std::vector<connection*> idle;
  for (auto& [fd, c] : connections_)
    if (!c->busy) idle.push_back(c.get());
  for (auto* c : idle) gone(*c, false);
}

void stub_engine::loop::set_accept(stub_accept how) {
  accept_ = how;
  for (int fd : ignored_) ::close(fd);
  ignored_.clear();
}

void stub_engine::loop::close_all() {
  while (!connections_.empty()) gone(*connections_.begin()->second, false);
  set_accept(accept_);
  alarms_ = {};
}

}  // namespace tandem::test
