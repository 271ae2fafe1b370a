#include "storage/store_figures.hpp"

#include "storage/cache_store_state.hpp"
#include "storage/journal_state.hpp"
#include "storage/route_store_state.hpp"

namespace tandem::storage {
namespace {

store_figures figures_of(rocksdb::DB& db,
                         const std::vector<rocksdb::ColumnFamilyHandle*>& families) {
  using properties = rocksdb::DB::Properties;
  auto sum = [&](const std::string& property) {
    std::uint64_t all = 0;
    for (auto* each : families) {
      std::uint64_t value = 0;
      if (each != nullptr && db.GetIntProperty(each, property, &value)) all += value;
    }
    return all;
  };
  auto of_all = [&db](const std::string& property) {
    std::uint64_t value = 0;
    return db.GetIntProperty(property, &value) ? value : 0;
  };
  // The block cache is shared by the families: it counts once.
  return {.keys = sum(properties::kEstimateNumKeys),
          .live_bytes = sum(properties::kEstimateLiveDataSize),
          .memory_bytes = sum(properties::kCurSizeAllMemTables) +
                          sum(properties::kEstimateTableReadersMem) +
                          of_all(properties::kBlockCacheUsage),
          .pending_compaction_bytes = sum(properties::kEstimatePendingCompactionBytes),
          .background_errors = of_all(properties::kBackgroundErrors),
          .stalled = of_all(properties::kIsWriteStopped) != 0 ||
                     of_all(properties::kActualDelayedWriteRate) != 0};
}

}  // namespace

store_figures journal::database() const {
  return figures_of(*state_->db, state_->handles);
}

store_figures route_store::database() const {
  const std::lock_guard lock(state_->mutex);
  return figures_of(*state_->db, state_->handles);
}

store_figures cache_store::database() const {
  const std::shared_lock lock(state_->mutex);
  return state_->db ? figures_of(*state_->db, state_->handles) : store_figures{};
}

}  // namespace tandem::storage
