#include "actors/trace/tracer.hpp"

#include <cmath>
#include <random>

#include "actors/trace/tracer_exporter.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t text_bytes_max = 8 * 1024;

/// Ids need not be secret, only different.
std::uint64_t random_id() {
  thread_local std::mt19937_64 random = [] {
    std::random_device system;
    std::seed_seq seed{system(), system(), system(), system(), system(), system()};
    return std::mt19937_64{seed};
  }();
  auto id = random();
  return id == 0 ? 1 : id;
}

}  // namespace

std::shared_ptr<tracer> tracer::make(const trace_config& config, const trace_identity& who,
                                     const std::shared_ptr<http_loop>& loop, const options& how) {
  if (config.otlp.empty() || !loop) return nullptr;
  return std::shared_ptr<tracer>{
      new tracer{config, std::make_shared<exporter>(config, who, loop, how)}};
}

tracer::tracer(const trace_config& config, std::shared_ptr<exporter> out)
    : exporter_{std::move(out)}, share_{config.share}, texts_{config.texts} {}

tracer::~tracer() {
  exporter_->close();
}

trace_context tracer::begin(const trace_context& parent) const {
  if (parent.is_set()) return parent.with_span(random_id());
  trace_context out{random_id(), random_id(), random_id(), false};
  out.sampled = std::ldexp(static_cast<double>(out.low >> 11), -53) < share_;
  return out;
}

void tracer::record(span done) {
  if (done.self.sampled) exporter_->push(std::move(done));
}

void tracer::add_text(span& to, std::string_view key, std::string_view text) const {
  if (texts_) to.add(key, cut(text, text_bytes_max));
}

tracer::counts tracer::count() const {
  return exporter_->count();
}

bool tracer::flush(std::chrono::milliseconds patience) {
  return exporter_->flush(patience);
}

}  // namespace tandem
