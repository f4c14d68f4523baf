#include "compiler/sema/declare.h"
#include "compiler/sema/head.h"
#include "compiler/sema/modules.h"
#include "compiler/sema/program.h"
#include "compiler/sema/roles.h"
#include "compiler/sema/site.h"

namespace upg::sema {

std::optional<Program> analyse(Sources &sources, const Options &options, Sink &sink) {
  Program program;
  if (!load_modules(sources, options, sink, program)) return std::nullopt;
  declare_all(program, sink);
  choose_upgrade(program, options, sink);

  Resolver resolver(program, sink);
  declare_types(resolver);
  find_alive(resolver);
  settle_head(resolver);
  SiteBuilder site(resolver, sources);
  site.collect();
  settle_params(resolver, options);
  site.complete();
  settle_roles(resolver);
  settle_rules(resolver);
  settle_host_sets(resolver);
  settle_limit(resolver, sources, options);
  program.site.fingerprint = fingerprint(program);
  return program;
}

}  // namespace upg::sema
