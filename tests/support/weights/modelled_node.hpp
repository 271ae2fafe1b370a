#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/weight_sync/order_book.hpp"
#include "tests/support/weights/modelled_coordinator.hpp"
#include "tests/support/weights/modelled_engine.hpp"

namespace tandem::testing {

class weight_fleet;

/// A node as actors/weight_sync has it, without actors and bytes: it carries out orders (once, and
/// none of a lower epoch), fetches, catches up, and coordinates where it is asked to or has to.
class modelled_node {
 public:
  using us = virtual_time::us;

  modelled_node(weight_fleet& fleet, std::size_t number);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }
  [[nodiscard]] bool is_alive() const { return alive_; }
  [[nodiscard]] us changed_at() const { return changed_at_; }
  [[nodiscard]] modelled_engine& engine(std::size_t number) { return *engines_[number]; }
  [[nodiscard]] std::size_t engines() const { return engines_.size(); }

  void die();
  /// Engines come back with what the node knows to be wanted, or with `version`.
  void start(const std::string& version = {});

  /// Empty: it has begun.
  std::string begin_roll(const std::string& version, const roll_options& options);
  void stop_roll(const std::string& why);
  [[nodiscard]] bool coordinates() const { return coordinator_ != nullptr; }
  [[nodiscard]] modelled_coordinator* coordinator() { return coordinator_.get(); }

  void on_order(const tmsg::wtorder& order);
  void on_outcome(const tmsg::wtoutcm& outcome);
  void on_news(const node_news& news);
  /// What others are to know is another.
  void touch();

  /// The disk takes no other version.
  bool disk_full = false;
  std::set<std::string> have{"1"};
  /// Of what every engine that is started is made.
  engine_config next_engine;

  // What it knows, as weight_facts has it.
  known_roll roll;
  wanted_version wanted;
  bool note(known_roll other);
  bool want(const wanted_version& other);
  void refresh();
  [[nodiscard]] std::uint64_t next_epoch() const;
  [[nodiscard]] const node_news& news_of(std::size_t node);
  [[nodiscard]] node_news make_news() const;
  /// Orders that were refused because of their epoch, and that came again.
  std::uint64_t fenced = 0;
  std::uint64_t repeated = 0;

 private:
  void tick(std::uint64_t life);
  void take_over();
  void catch_up();
  void carry_out(const tmsg::wtorder& order);
  void bring(const tmsg::wtorder& order);
  void brought(const std::string& version);
  void change_engine(const tmsg::wtorder& order);
  void ask(const tmsg::wtorder& order);
  void outcome(const tmsg::wtorder& order, errc code, const std::string& error,
               const std::string& version = {});
  void send_outcome(std::uint64_t to, const tmsg::wtoutcm& told);
  void tell();

  weight_fleet& fleet_;
  std::size_t number_;
  std::string name_;
  std::uint64_t incarnation_ = 0;
  bool alive_ = false;
  bool heard_ = false;
  bool telling_ = false;
  us changed_at_{0};
  us started_at_{0};
  std::vector<std::unique_ptr<modelled_engine>> engines_;
  std::map<std::string, us> retry_at_;
  done_orders done_;
  order_fence fence_;
  std::uint64_t next_own_ = ~std::uint64_t{0};
  std::map<std::string, std::vector<tmsg::wtorder>> fetching_;
  std::map<std::size_t, node_news> peers_;
  std::unique_ptr<modelled_coordinator> coordinator_;
};

}  // namespace tandem::testing
