#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// The owner's grants: how many attempts each node may have at each of its engines at once.
///
/// An engine's concurrency and a small backlog are divided between this node and its peers by what
/// they use: whoever uses its share up gets what the others leave, in equal parts where several
/// want more; what nobody wants is spread evenly. Each has one at least while the engine takes
/// anything, so the sum is bounded by the larger of places and parties. Grants are moved only when
/// somebody lacks some, or when everything is idle. No actors, no clock.
class credit_ledger {
 public:
  /// A peer's incarnation; `own` is this node itself.
  using party = std::uint64_t;
  static constexpr party own = 0;

  /// `concurrency` 0: it takes nothing now.
  void set_engine(std::string_view name, std::uint32_t concurrency);
  void remove_engine(std::string_view name);
  void add_party(party who);
  /// What it still has at work counts no more.
  void remove_party(party who);

  void begin(std::string_view engine, party who);
  void end(std::string_view engine, party who);
  /// This node's own use, which does not go through the exchange.
  void set_own(std::string_view engine, std::uint32_t in_use);

  /// Divides anew what has changed. Those whose grants differ now, each once.
  [[nodiscard]] std::set<party> divide();

  [[nodiscard]] std::uint32_t granted(std::string_view engine, party who) const;
  [[nodiscard]] std::uint32_t in_use(std::string_view engine, party who) const;

 private:
  struct share {
    std::uint32_t in_use = 0;
    std::uint32_t granted = 0;
  };
  struct engine {
    std::uint32_t concurrency = 0;
    std::map<party, share> shares;
    /// Its size or the parties have changed: divided whatever the demand.
    bool changed = true;
    /// Somebody's use has changed.
    bool used = false;
  };

  [[nodiscard]] share* find(std::string_view engine, party who);
  [[nodiscard]] const share* find(std::string_view engine, party who) const;
  [[nodiscard]] static std::vector<std::uint32_t> fair(const engine& of);

  std::map<std::string, engine, std::less<>> engines_;
  std::set<party> parties_{own};
};

}  // namespace tandem
