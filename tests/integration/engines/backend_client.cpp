#include "tests/integration/engines/backend_client.hpp"

#include <cstdlib>
#include <future>
#include <stdexcept>

namespace tandem::test {
namespace {

constexpr auto limit = std::chrono::seconds{20};

}  // namespace

backend_client::backend_client(const engine_config& config) : loop_{std::make_shared<http_loop>()} {
  backend_sink sink;
  sink.on_text = [this](std::uint64_t id, std::string text) {
    std::lock_guard lock{mutex_};
    texts_[id] += text;
    changed_.notify_all();
  };
  sink.on_done = [this](std::uint64_t id, generation result) {
    std::lock_guard lock{mutex_};
    if (!ended_.emplace(id, std::move(result)).second) std::abort();
    changed_.notify_all();
  };
  sink.on_status = [this] {
    std::lock_guard lock{mutex_};
    changed_.notify_all();
  };
  auto opened = http_backend::open(config, loop_, std::move(sink));
  if (!opened) throw std::runtime_error{message_of(opened.error())};
  backend_ = std::move(*opened);
}

std::uint64_t backend_client::start(generation_request request) {
  std::uint64_t id = 0;
  {
    std::lock_guard lock{mutex_};
    id = ++ids_;
  }
  request.id = id;
  auto progress = backend_->start(std::move(request));
  if (auto* at_once = std::get_if<generation>(&progress)) {
    std::lock_guard lock{mutex_};
    ended_[id] = std::move(*at_once);
  }
  return id;
}

generation backend_client::wait(std::uint64_t id) {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, limit, [&] { return ended_.contains(id); }))
    throw std::runtime_error{"the generation did not end"};
  return ended_.at(id);
}

generation backend_client::ask(generation_request request) {
  return wait(start(std::move(request)));
}

std::string backend_client::told(std::uint64_t id) {
  std::lock_guard lock{mutex_};
  return texts_[id];
}

backend_status backend_client::wait_status(const std::function<bool(const backend_status&)>& seen) {
  std::unique_lock lock{mutex_};
  backend_status now;
  auto look = [&] {
    now = backend_->status();
    return seen(now);
  };
  // Figures of load change without a call.
  auto end = std::chrono::steady_clock::now() + limit;
  while (!look()) {
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error{"the status stayed: " + now.server + ' ' + now.reason};
    changed_.wait_for(lock, std::chrono::milliseconds{20});
  }
  return now;
}

std::vector<engine_check> backend_client::probe() {
  auto done = std::make_shared<std::promise<std::vector<engine_check>>>();
  auto future = done->get_future();
  backend_->probe([done](std::vector<engine_check> checks) { done->set_value(std::move(checks)); });
  if (future.wait_for(limit) != std::future_status::ready)
    throw std::runtime_error{"the probe did not end"};
  return future.get();
}

engine_config engine_at(const stub_engine& stub) {
  engine_config config;
  config.name = "e";
  config.kind = "http";
  config.model = "stub";
  config.http.url = stub.url();
  config.http.health_interval = std::chrono::milliseconds{50};
  return config;
}

generation_request question(std::string text) {
  generation_request request;
  request.messages = {{schema::Role::USER, std::move(text)}};
  request.max_tokens = 64;
  return request;
}

}  // namespace tandem::test
