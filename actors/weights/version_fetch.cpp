#include "actors/weights/version_fetch.hpp"

#include <utility>

#include "actors/weights/fetch_core.hpp"

namespace tandem {

struct version_fetch::state {
  std::shared_ptr<fetch_core> core;
  http_loop loop;

  ~state() { core->stop(); }
};

version_fetch::version_fetch(std::shared_ptr<version_store> store, const weight_hash& hash,
                             const version_fetch_options& options, std::uint64_t seed,
                             events report)
    : state_{std::make_shared<state>()} {
  state_->core =
      std::make_shared<fetch_core>(std::move(store), hash, options, seed, std::move(report));
  state_->core->start(state_->loop);
}

version_fetch::~version_fetch() = default;

void version_fetch::peers(std::vector<chunk_peer> all) {
  state_->core->peers(std::move(all));
}

}  // namespace tandem
