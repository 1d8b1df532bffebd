// Groups: elementwise steps that run tile by tile, so that what passes from one to the next stays in the
// cache, and sums over what they compute. Start at `group`; records of one short run, which are common, end
// in `runShort`. Sums are partial sums in double precision over a partition that depends on the shape alone.

/// Runs a group that is one run of at most a tile, with nothing but its steps' words to decode.
/// Returns false, with nothing done, where it is not.
inline bool runShort(const Record& r, const GroupTail& tail, Context& context) {
  const int64_t n = r.inner();
  if (r.rank > 1 || n > kTile) return false;
  uint32_t broadcast = 0;
  for (int k = 0; n > 1 && k < r.operands; k++) {
    if (r.allStrides[k] == 1) continue;
    if (r.allStrides[k] != 0) return false;
    broadcast |= 1u << k;
  }
  for (int s = 0; broadcast && s < tail.steps; s++) {
    if (isSum(tail.step(s))) broadcast &= ~(1u << tail.step(s)[abi::STEP_OUT]);
  }
  if (broadcast) return false;

  char* slots[kSlots];
  for (int k = 0; k < r.operands; k++) slots[k] = r.address(k);
  char* spare = context.workspace;
  for (int t = 0; t < tail.temps; t++) slots[r.operands + t] = spare += pitchFor(8);
  slots[kNoSlot] = nullptr;
  for (int s = 0; s < tail.steps; s++) {
    const int32_t* step = tail.step(s);
    const char* in[kStepInputs];
    for (int i = 0; i < kStepInputs; i++) in[i] = slots[slotOf(step[abi::STEP_IN + i])];
    char* out = slots[step[abi::STEP_OUT]];
    if (const RowKernel row = rowKernel(step, *context.table)) {
      if (overruns(step)) in[0] = setAside(context.workspace, in[0], n);
      row(n, out, in, r.params + step[abi::STEP_PARAMS]);
    } else if (isSum(step)) {
      storeSum(out, step[abi::STEP_DTYPE], rowSumOf(step)(in[0], n), isMean(step) ? n : 1, false);
    } else {
      noKernel(step, context);
      return true;
    }
  }
  return true;
}

/// The tiles of a group with sums, cut into chunks whose partial sums are added up in the end. Whole bands
/// of tiles make a chunk where rows are summed.
struct GroupSums {
  const Group& g;
  const GroupTiles& tiles;
  Context& context;
  double all[kMaxPartials][abi::MAX_STEPS];
  /// A column's sum and its lane.
  static constexpr int64_t kColumnBytes = 16;

  GroupSums(const Group& g, const GroupTiles& tiles, Context& context)
      : g(g), tiles(tiles), context(context) {}

  void run() {
    const int64_t columnSums = g.sumsOf(StepKind::kSumColumns);
    // Column sums are kept for as many tiles across as there is memory for.
    const int64_t room = (static_cast<int64_t>(kWorkspaceBytes) - kGroupBuffers) / kColumnBytes;
    const int64_t wide = most<int64_t>(1, columnSums) * tiles.tileColumns;
    const int64_t panel = columnSums ? least(tiles.tilesAcross, room / wide) : tiles.tilesAcross;
    double totals[abi::MAX_STEPS] = {};
    for (int64_t first = 0; first < tiles.tilesAcross; first += panel)
      runPanel(first, least(panel, tiles.tilesAcross - first), room, totals);
    for (int s = 0; s < g.tail.steps; s++) {
      const GroupStep& step = g.steps[s];
      if (step.kind == StepKind::kSumAll)
        storeSum(tiles.base[step.out], step.dtype, totals[step.index], step.count, false);
    }
  }

 private:
  /// All rows of `across` tile columns from `first` on.
  void runPanel(int64_t first, int64_t across, int64_t room, double* totals) {
    const int64_t firstColumn = first * tiles.tileColumns;
    const int64_t columns = least(tiles.columns - firstColumn, across * tiles.tileColumns);
    const int64_t columnSums = g.sumsOf(StepKind::kSumColumns), perChunk = columnSums * columns;
    const int64_t unit = g.sumsOf(StepKind::kSumRows) ? across : 1;
    const int64_t units = tiles.bands() * across / unit;
    const double workEach = static_cast<double>(unit * tiles.tileRows * tiles.tileColumns * g.tail.steps);
    const int64_t worth = static_cast<int64_t>(workEach * static_cast<double>(units) / kParallelWork);
    int64_t chunks = least(least(units, kMaxPartials), most<int64_t>(1, worth));
    if (perChunk) chunks = most<int64_t>(1, least(chunks, room / perChunk));
    const int64_t chunk = ceilDiv(units, chunks);
    chunks = ceilDiv(units, chunk);
    double* partials = reinterpret_cast<double*>(context.workspace + kGroupBuffers);
    char* lanes = reinterpret_cast<char*>(partials + chunks * perChunk);

    const auto runChunk = [&](int64_t c, char* workspace) {
      double* mine = partials + c * perChunk;
      char* myLanes = lanes + c * perChunk * 8;
      memset(mine, 0, static_cast<size_t>(perChunk) * 8);
      memset(myLanes, 0, static_cast<size_t>(perChunk) * 8);
      memset(all[c], 0, sizeof(all[c]));
      GroupRun run(g, tiles, workspace, {all[c], mine, myLanes, firstColumn, columns});
      tiles.each(c * chunk * unit, least((c + 1) * chunk, units) * unit, first, across,
                 [&](const Tile& tile) { run.run(tile); });
      run.finish();
    };
    parallelFor(context, chunks, workEach * static_cast<double>(chunk),
                [&](int64_t begin, int64_t end, char* workspace) {
                  for (int64_t c = begin; c < end; c++) runChunk(c, workspace);
                });

    for (int64_t c = 0; c < chunks; c++) {
      for (int i = 0; i < g.sumsOf(StepKind::kSumAll); i++) totals[i] += all[c][i];
    }
    for (int s = 0; s < g.tail.steps; s++) {
      if (g.steps[s].kind == StepKind::kSumColumns)
        joinColumns(g.steps[s], partials, chunks, perChunk, firstColumn, columns);
    }
  }

  void joinColumns(const GroupStep& step, const double* partials, int64_t chunks, int64_t perChunk,
                   int64_t firstColumn, int64_t columns) {
    const int64_t stride = tiles.columnStride[step.out], bytes = abi::ITEM_BYTES[step.dtype];
    char* out = tiles.base[step.out] + firstColumn * stride * bytes;
    const double* from = partials + step.index * columns;
    parallelFor(context, columns, static_cast<double>(chunks), [&](int64_t begin, int64_t end, char*) {
      for (int64_t j = begin; j < end; j++) {
        double sum = from[j];
        for (int64_t c = 1; c < chunks; c++) sum += from[c * perChunk + j];
        storeSum(out + j * stride * bytes, step.dtype, sum, step.count, false);
      }
    });
  }
};

inline void group(const int32_t* words, Context& context) {
  const Record r(words);
  const GroupTail tail(r);
  if (runShort(r, tail, context)) return;
  const Group g(r, tail, *context.table);
  if (g.lacking) return noKernel(g.lacking, context);
  const GroupTiles tiles(r, kTile, g.summed);
  if (g.hasSums()) return GroupSums(g, tiles, context).run();
  const double workEach = static_cast<double>(tiles.tileRows * tiles.tileColumns * tail.steps);
  parallelFor(context, tiles.count(), workEach, [&](int64_t begin, int64_t end, char* workspace) {
    GroupRun run(g, tiles, workspace);
    tiles.each(begin, end, [&](const Tile& tile) { run.run(tile); });
  });
}

inline void fillGroup(KernelTable& table) {
  for (int dtype = 0; dtype < abi::DTYPE_COUNT; dtype++) table.kernels[OP_GROUP][dtype] = group;
}
