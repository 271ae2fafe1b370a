#pragma once

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "actors/etcd/etcd_client.hpp"
#include "actors/http/http_loop.hpp"
#include "tests/support/etcd_process.hpp"

#define TANDEM_NEED_ETCD()                                             \
  do {                                                                 \
    if (!tandem::test::etcd_process::is_installed())                   \
      GTEST_SKIP() << "no etcd: install Debian's package etcd-server"; \
  } while (false)

namespace tandem::test {

using namespace std::chrono_literals;

/// Values that callbacks bring, for a test that waits for one.
template <class T>
class mailbox {
 public:
  void put(T value) {
    std::lock_guard lock{mutex_};
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  /// Whether one comes, or came, that `wanted` holds for.
  template <class Predicate>
  bool wait(Predicate wanted, std::chrono::milliseconds limit = 20s) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, limit, [&] {
      for (const auto& value : values_)
        if (wanted(value)) return true;
      return false;
    });
  }
  void clear() {
    std::lock_guard lock{mutex_};
    values_.clear();
  }
  [[nodiscard]] std::vector<T> all() {
    std::lock_guard lock{mutex_};
    return values_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

inline std::shared_ptr<etcd_client> open_client(const std::shared_ptr<http_loop>& loop,
                                                const etcd_process& etcd,
                                                std::chrono::milliseconds timeout = 3s) {
  etcd_config config;
  config.endpoints = etcd.endpoints();
  config.timeout = timeout;
  auto client = etcd_client::open(config, loop);
  EXPECT_TRUE(client) << to_string(client.error());
  return *client;
}

template <class Result, class Call>
Result wait_for(Call call) {
  auto promise = std::make_shared<std::promise<Result>>();
  auto done = promise->get_future();
  call([promise](Result result) { promise->set_value(std::move(result)); });
  return done.get();
}

inline etcd_result read(etcd_client& client, const std::string& key) {
  return wait_for<etcd_result>(
      [&](etcd_callback done) { client.range({.key = key}, std::move(done)); });
}
inline etcd_result put(etcd_client& client, const std::string& key, const std::string& value,
                       std::int64_t lease = 0) {
  return wait_for<etcd_result>(
      [&](etcd_callback done) { client.put(key, value, lease, std::move(done)); });
}

}  // namespace tandem::test
