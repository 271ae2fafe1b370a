#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "actors/engine/engine_config.hpp"
#include "actors/name_hash.hpp"
#include "actors/router/engine_picker.hpp"
#include "actors/router/model_chooser.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What the router knows of models and engines, and the two decisions made from it: which model
/// (the chooser's, among those that can), then which engine of it (the picker's). No actors.
class route_table {
 public:
  route_table(const router_config& config, const std::vector<model_config>& models,
              std::unique_ptr<model_chooser> chooser, const engine_picker::seeds& seeds);

  enum class place : std::uint8_t { local, remote };
  /// An engine is there, or has changed.
  void update(const tmsg::engstat& status, place where = place::local);
  void remove(std::string_view engine);

  struct load {
    std::uint32_t in_flight = 0;
    std::uint32_t concurrency = 1;
  };
  /// What was sent to an engine and is not settled.
  [[nodiscard]] load load_of(std::string_view engine) const;

  struct routed {
    tmsg::decisn decision;
    std::string engine;
  };
  /// Counts the engine as busier until settle(). `unavailable`: no engine can take it now.
  /// `budget_exceeded`: those that could may cost more than the allowance. `weights_changed`: no
  /// engine serves the version any more that the query is pinned to. `invalid_argument`: no
  /// model ever could (an unknown tier, a prompt beyond every context).
  [[nodiscard]] caf::expected<routed> route(schema::RouteQuery::Reader query,
                                            schema::Attempt::Reader attempt, std::uint64_t now_ms,
                                            std::span<const float> embedding = {});
  /// Which way a job goes: `plan_act`, `large` or `small`, as the decision's model, among those
  /// that the attempt does not name as failed. `invalid_argument`: none is left.
  [[nodiscard]] caf::expected<tmsg::decisn> choose_way(schema::Attempt::Reader attempt,
                                                       std::uint64_t now_ms,
                                                       std::span<const float> embedding = {});
  /// Whether features of this call would be looked at: the policy learns, and more than one model
  /// may take it.
  [[nodiscard]] bool weighs(schema::RouteQuery::Reader query) const;

  /// How the decision turned out; see model_chooser::on_reward.
  [[nodiscard]] std::optional<tmsg::rtchg> settle(schema::Reward::Reader reward,
                                                  std::uint64_t now_ms);

  /// The decision's engine has read this call of purpose `warm`, and has it in its prefix cache.
  void learn_prefix(schema::Decision::Reader decision, schema::Attempt::Reader read);

  [[nodiscard]] model_chooser& chooser() { return *chooser_; }
  [[nodiscard]] std::uint64_t decisions() const { return chooser_->decisions(); }
  /// Models that have no price, and so count as free.
  [[nodiscard]] std::vector<std::string> models_without_price() const;
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

 private:
  /// What a choice looks at is in its first line of cache.
  struct alignas(64) engine {
    bool healthy = false;
    /// Takes only calls that hold its present weights.
    bool held = false;
    bool remote = false;
    /// Can take a client's request as it is.
    bool passes_on = false;
    std::uint32_t concurrency = 1;
    std::uint32_t context_tokens = 0;
    std::uint32_t in_flight = 0;
    /// At the picker; none: it has no room for more, the engine is not chosen.
    std::optional<engine_slot> slot = {};
    std::uint32_t process = 0;
    std::uint64_t profile = 0;
    std::string weight_version;
    std::string name;
  };
  struct model {
    model_config config;
    std::int64_t input_price_nanousd = 0;
    std::int64_t output_price_nanousd = 0;
    std::vector<engine> engines;
  };

  /// Where an engine is, in `models_`.
  struct place_of_engine {
    std::size_t model = 0;
    std::size_t engine = 0;
  };
  /// Null: there is none of that name.
  [[nodiscard]] engine* find_engine(std::string_view name);
  void note_place(const place_of_engine& at);

  struct option {
    model* of = nullptr;
    /// Null: none can take the call.
    engine* on = nullptr;
    engine_chooser::choice choice;
  };
  /// The engines that can take the call; of these the ones that have not failed it before, of these
  /// the ones with room, while there are any. Empty: `why_not` says why; `later`: one could, were
  /// it healthy.
  void find_able(model& of, schema::RouteQuery::Reader query, std::string& why_not, bool& later);
  /// The version that calls of this query need of `of`; empty: any. Nothing: none serves it any
  /// more.
  [[nodiscard]] static std::optional<std::string_view> pin_of(const model& of,
                                                              schema::RouteQuery::Reader query);
  [[nodiscard]] option pick_engine(model& of, schema::RouteQuery::Reader query,
                                   std::uint64_t now_ms, std::string& why_not, bool& later);
  /// A first look with the prompt alone; the engine, which knows the whole, has the last word.
  [[nodiscard]] static bool affordable(const model& of, schema::RouteQuery::Reader query);
  [[nodiscard]] double expected_cost(const model& of, const call_rates::tokens& used) const;
  /// What a call of this sort costs and takes at `of`, in 1e-9 dollars and us.
  [[nodiscard]] std::pair<double, double> expect(const model& of, schema::Purpose purpose,
                                                 std::uint32_t prompt_bytes,
                                                 std::uint32_t max_tokens) const;
  /// Of the models that a job of this way uses.
  [[nodiscard]] std::string weights_of(std::string_view way) const;
  [[nodiscard]] candidate way_candidate(std::string_view way, std::uint32_t prompt_bytes,
                                        std::uint32_t max_tokens) const;
  [[nodiscard]] const model* cheapest_of(std::string_view tier) const;
  void write(schema::Decision::Builder out, const model& of, const engine& on,
             const chosen_candidate& chosen) const;

  router_config config_;
  std::unique_ptr<model_chooser> chooser_;
  engine_picker picker_;
  std::vector<model> models_;
  /// By name, and by slot: into the engines of its model.
  std::unordered_map<std::string, place_of_engine, name_hash, std::equal_to<>> places_;
  std::vector<std::size_t> slot_places_;
  /// While choosing.
  std::vector<engine_slot> able_;
  std::string weights_gone_;
  /// When it was first asked; 0: not yet.
  std::uint64_t first_route_ms_ = 0;
  const model* large_ = nullptr;
  std::size_t in_flight_ = 0;
};

}  // namespace tandem
