#include "actors/http/http_core.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tandem {
namespace {

/// Easy handles kept for later; each holds some 30 KB.
constexpr std::size_t idle_handles_max = 256;
/// Of those, how many are looked at for one that is set up already.
constexpr std::size_t idle_handles_tried = 16;
/// Timeouts end at most this much later than they are due.
constexpr std::chrono::milliseconds sweep_pause{10};

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), what};
  return result;
}

}  // namespace

socket_table::entry& socket_table::at(curl_socket_t socket) {
  auto index = static_cast<std::size_t>(socket);
  if (entries_.size() <= index) entries_.resize(std::max(index + 1, entries_.size() * 2));
  return entries_[index];
}

void socket_table::want(curl_socket_t socket, int curl_what) {
  auto& entry = at(socket);
  if (curl_what == CURL_POLL_REMOVE) {
    entry.wanted = false;
    if (entry.made_here || entry.watched == 0) return;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
    entry.watched = 0;
    return;
  }
  epoll_event event{};
  event.data.fd = socket;
  event.events = ((curl_what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) |
                 ((curl_what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
  entry.wanted = true;
  if (event.events == entry.watched) return;
  auto operation = entry.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll_, operation, socket, &event) != 0 && errno == EEXIST)
    epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event);
  entry.watched = event.events;
}

bool socket_table::silence(curl_socket_t socket) {
  auto& entry = at(socket);
  if (entry.wanted) return false;
  if (entry.watched != 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
  entry.watched = 0;
  return true;
}

http_core::http_core(const http_loop_options& options)
    : options_{options},
      epoll_{checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")},
      event_{checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")},
      multi_{curl_multi_init()},
      sockets_{epoll_},
      time_{.now = clock::now()} {
  if (multi_ == nullptr) throw std::bad_alloc{};
  // Edge-triggered: each write wakes once, and nobody has to read it.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = event_;
  checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event), "epoll_ctl");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &http_core::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &http_core::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, long{CURLPIPE_NOTHING});
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.idle_connections_max));
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    static_cast<long>(options_.connections_max));
}

http_core::~http_core() {
  idle_.clear();
  curl_multi_cleanup(multi_);
  close(event_);
  close(epoll_);
}

void http_core::submit(command next) {
  bool must_wake = false;
  {
    std::lock_guard lock{mutex_};
    commands_.push_back(std::move(next));
    must_wake = !std::exchange(awake_, true);
  }
  if (must_wake) wake();
}

void http_core::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake();
}

void http_core::wake() {
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = write(event_, &one, sizeof one);
}

void http_core::run() {
  thread_ = std::this_thread::get_id();
  while (take_commands()) {
    run_timers();
    if (curl_at_ <= time_.now) {
      curl_at_ = clock::time_point::max();
      int running = 0;
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    reap();
    if (time_.sweep_at <= time_.now) sweep();
    running_count_ = exchanges_.size();
    wait_for_events();
  }
  end_all();
}

bool http_core::take_commands() {
  {
    std::lock_guard lock{mutex_};
    if (stopping_) return false;
    taken_.swap(commands_);
    // Whatever comes while these are worked on is seen by wait_for_events().
    awake_ = !taken_.empty();
  }
  for (auto& next : taken_) {
    if (auto* start = std::get_if<start_command>(&next))
      begin(std::move(*start));
    else if (auto* ended = std::get_if<cancel_command>(&next))
      cancel(ended->id);
    else if (auto* timer = std::get_if<timer_command>(&next))
      timers_.emplace(timer->at, std::move(timer->function));
  }
  taken_.clear();
  return true;
}

std::unique_ptr<curl_exchange> http_core::take_handle(const http_endpoint* endpoint) {
  if (idle_.empty())
    return std::make_unique<curl_exchange>(
        curl_exchange::socket_hooks{&http_core::open_socket, &http_core::close_socket, this});
  auto tried = std::min(idle_.size(), idle_handles_tried);
  auto found = std::find_if(idle_.rbegin(), idle_.rbegin() + static_cast<std::ptrdiff_t>(tried),
                            [&](const auto& idle) { return idle->endpoint() == endpoint; });
  if (found != idle_.rend() && (*found)->endpoint() == endpoint) std::swap(*found, idle_.back());
  auto out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

void http_core::keep(std::unique_ptr<curl_exchange> done) {
  if (idle_.size() < idle_handles_max) idle_.push_back(std::move(done));
}

void http_core::begin(start_command next) {
  if (exchanges_.size() >= options_.exchanges_max) {
    next.handler->on_end({.failure = http_failure::overloaded,
                          .text = "too many HTTP requests at once (" +
                                  std::to_string(options_.exchanges_max) + ")"});
    return;
  }
  auto id = next.id;
  auto exchange = take_handle(next.endpoint.get());
  exchange->prepare(id, std::move(next.endpoint), std::move(next.body), std::move(next.handler),
                    &time_, next.headers);
  auto* easy = exchange->easy();
  exchanges_.emplace(id, std::move(exchange));
  if (auto code = curl_multi_add_handle(multi_, easy); code != CURLM_OK)
    detach(id)->end(http_failure::invalid, curl_multi_strerror(code));
}

std::unique_ptr<curl_exchange> http_core::detach(std::uint64_t id) {
  auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return nullptr;
  auto out = std::move(found->second);
  exchanges_.erase(found);
  curl_multi_remove_handle(multi_, out->easy());
  return out;
}

void http_core::cancel(std::uint64_t id) {
  if (auto exchange = detach(id)) {
    exchange->end(http_failure::cancelled, "cancelled");
    keep(std::move(exchange));
  }
}

void http_core::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= time_.now) {
    auto due = timers_.extract(timers_.begin());
    due.mapped()();
  }
}

void http_core::reap() {
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* self = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
    // The message dies with the handle's removal.
    auto code = message->data.result;
    auto* exchange = static_cast<curl_exchange*>(self);
    if (code == CURLE_SEND_ERROR && exchange->begin_again()) {
      curl_multi_remove_handle(multi_, exchange->easy());
      if (curl_multi_add_handle(multi_, exchange->easy()) == CURLM_OK) continue;
    }
    if (auto done = detach(exchange->id())) {
      done->end(code);
      keep(std::move(done));
    }
  }
}

void http_core::sweep() {
  std::vector<std::uint64_t> late;
  time_.sweep_at = clock::time_point::max();
  for (const auto& [id, exchange] : exchanges_) {
    auto deadline = exchange->deadline();
    if (deadline <= time_.now)
      late.push_back(id);
    else
      time_.sweep_at = std::min(time_.sweep_at, deadline);
  }
  if (time_.sweep_at != clock::time_point::max())
    time_.sweep_at = std::max(time_.sweep_at, time_.now + sweep_pause);
  for (auto id : late) {
    if (auto exchange = detach(id)) {
      exchange->end_timed_out();
      keep(std::move(exchange));
    }
  }
}

void http_core::wait_for_events() {
  auto next = std::min(curl_at_, time_.sweep_at);
  if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  int timeout = -1;
  {
    std::lock_guard lock{mutex_};
    awake_ = !commands_.empty();
    if (awake_) timeout = 0;
  }
  if (timeout != 0 && next != clock::time_point::max()) {
    using std::chrono::milliseconds;
    auto wait = std::chrono::ceil<milliseconds>(next - clock::now()).count();
    timeout = static_cast<int>(std::clamp<decltype(wait)>(wait, 0, 60'000));
  }
  std::array<epoll_event, 128> events;
  int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
  time_.now = clock::now();
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    int socket = event.data.fd;
    if (socket == event_ || sockets_.silence(socket)) continue;
    int what = ((event.events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
               ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
               ((event.events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
    int running = 0;
    curl_multi_socket_action(multi_, socket, what, &running);
  }
}

void http_core::end_all() {
  constexpr auto why = "the HTTP client is stopping";
  // A handler may start another one meanwhile.
  for (;;) {
    while (!exchanges_.empty()) {
      auto exchange = detach(exchanges_.begin()->first);
      exchange->end(http_failure::cancelled, why);
    }
    std::vector<command> left;
    {
      std::lock_guard lock{mutex_};
      left.swap(commands_);
    }
    if (left.empty()) break;
    for (auto& next : left) {
      if (auto* start = std::get_if<start_command>(&next))
        start->handler->on_end({.failure = http_failure::cancelled, .text = why});
    }
  }
  timers_.clear();
  running_count_ = 0;
}

int http_core::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  static_cast<http_core*>(self)->sockets_.want(socket, what);
  return 0;
}

int http_core::on_timer(CURLM*, long timeout_ms, void* self) {
  static_cast<http_core*>(self)->curl_at_ =
      timeout_ms < 0    ? clock::time_point::max()
      : timeout_ms == 0 ? clock::time_point{}
                        : clock::now() + std::chrono::milliseconds{timeout_ms};
  return 0;
}

curl_socket_t http_core::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  int made = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (made < 0) return CURL_SOCKET_BAD;
  static_cast<http_core*>(self)->sockets_.opened(made);
  return made;
}

int http_core::close_socket(void* self, curl_socket_t socket) {
  static_cast<http_core*>(self)->sockets_.closed(socket);
  return close(socket);
}

}  // namespace tandem
