// Loop nests over dense synapses: each of P presynaptic neurons has a synapse on each of Q
// postsynaptic neurons, and synapse (i, j) has the index i*Q + j. With B replicas of the neurons,
// neuron n of replica b has the index b*N + n; the synapses are shared by the replicas.
//
// What is to be computed for a synapse is a functor of indices that reads (and, for `update` and
// `apply`, writes) the arrays by itself. The result must not depend on the order of the synapses.
// Where P and Q are literals, the compiler drops the code for remainders, which makes small
// populations much faster.
//
// All nests are cut into tiles with compile-time sizes, so that the sums of a tile stay in
// registers, and a value is used several times once it has been loaded. The innermost loop always
// runs over the V numbers of a vector register, along j, where all arrays are contiguous. What is
// left at the end of a row is done with smaller powers of two.

#if defined(__clang__)
#define DENSE_VECTOR _Pragma("clang loop vectorize(assume_safety)")
#define DENSE_LOOP _Pragma("clang loop vectorize(assume_safety)")
#define DENSE_UNROLL _Pragma("clang loop unroll(full)")
#define DENSE_INLINE static inline __attribute__((always_inline))
#elif defined(__GNUC__)
// g++ would unroll the loop over a vector before it looks for loops to vectorise.
#define DENSE_VECTOR _Pragma("GCC unroll 1") _Pragma("GCC ivdep")
#define DENSE_LOOP _Pragma("GCC ivdep")
#define DENSE_UNROLL _Pragma("GCC unroll 32")
#define DENSE_INLINE static inline __attribute__((always_inline))
#else
#define DENSE_VECTOR
#define DENSE_LOOP
#define DENSE_UNROLL
#define DENSE_INLINE static inline
#endif

// Number and size (in bytes) of the vector registers. g++ uses only half of each register on the
// processors named here.
#if defined(__AVX512F__)
#define DENSE_REGISTERS 32
#else
#define DENSE_REGISTERS 16
#endif
#if defined(__AVX512F__) && !defined(__tune_skylake_avx512__) && !defined(__tune_cascadelake__) \
    && !defined(__tune_cooperlake__) && !defined(__tune_icelake_client__) \
    && !defined(__tune_icelake_server__) && !defined(__tune_sapphirerapids__)
#define DENSE_BYTES 64
#elif defined(__AVX__)
#define DENSE_BYTES 32
#else
#define DENSE_BYTES 16
#endif

// A sum that the compiler does not regroup, as -ffast-math lets it: a pass with an update and one
// without then give the same sums to the last digit.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define DENSE_IN_ORDER(sum) __builtin_assoc_barrier(sum)
#else
#define DENSE_IN_ORDER(sum) (sum)
#endif

namespace _le {

struct NoUpdate {
    void operator()(int, int, int) const {}
};

template <int n, typename real>
DENSE_INLINE real dense_sum(const real (&lanes)[n]) {
    real sum = 0;
    for (int q = 0; q < n; q++)
        sum += lanes[q];
    return sum;
}

// ---- One replica: update, sums to post and sums to pre in one pass over the synapses ----

// U presynaptic neurons and all further vectors of V postsynaptic neurons that fit, from j on. The
// sums to post are loaded and stored once for U synapses; the sums to pre make U independent chains
// of additions. Adding to the latter comes after the stores since g++ would otherwise load each
// weight twice, once per use.
template <int V, int U, int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
DENSE_INLINE int dense_columns(int Q, int i, int j, real* const* post, real (&to_i)[n_pre + 1][U],
                               const Update& update, const ToPost& to_post, const ToPre& to_pre) {
    if (j + V > Q)
        return j;
    real sum[n_pre + 1][U][V];
    for (int k = 0; k < n_pre; k++)
        for (int u = 0; u < U; u++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                sum[k][u][q] = 0;
    for (; j + V <= Q; j += V)
        DENSE_VECTOR
        for (int q = 0; q < V; q++) {
            real to_j[n_post + 1], value[n_pre + 1][U];
            DENSE_UNROLL
            for (int k = 0; k < n_post; k++)
                to_j[k] = post[k][j + q];
            DENSE_UNROLL
            for (int u = 0; u < U; u++) {
                update((i + u)*Q + j + q, i + u, j + q);
                DENSE_UNROLL
                for (int k = 0; k < n_post; k++)
                    to_j[k] = DENSE_IN_ORDER(to_j[k] + to_post(k, (i + u)*Q + j + q, i + u, j + q));
                DENSE_UNROLL
                for (int k = 0; k < n_pre; k++)
                    value[k][u] = to_pre(k, (i + u)*Q + j + q, i + u, j + q);
            }
            DENSE_UNROLL
            for (int k = 0; k < n_post; k++)
                post[k][j + q] = to_j[k];
            DENSE_UNROLL
            for (int k = 0; k < n_pre; k++)
                DENSE_UNROLL
                for (int u = 0; u < U; u++)
                    sum[k][u][q] = DENSE_IN_ORDER(sum[k][u][q] + value[k][u]);
        }
    DENSE_UNROLL
    for (int k = 0; k < n_pre; k++)
        DENSE_UNROLL
        for (int u = 0; u < U; u++)
            to_i[k][u] = DENSE_IN_ORDER(to_i[k][u] + DENSE_IN_ORDER(dense_sum(sum[k][u])));
    return j;
}

// All presynaptic neurons from i on that come in groups of U.
template <int V, int U, int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
DENSE_INLINE int dense_rows(int P, int Q, int i, real* const* post, real* const* pre,
                            const Update& update, const ToPost& to_post, const ToPre& to_pre) {
    for (; i + U <= P; i += U) {
        real to_i[n_pre + 1][U];
        for (int k = 0; k < n_pre; k++)
            for (int u = 0; u < U; u++)
                to_i[k][u] = 0;
        int j = dense_columns<V, U, n_post, n_pre>(Q, i, 0, post, to_i, update, to_post, to_pre);
        if (V > 8)
            j = dense_columns<8, U, n_post, n_pre>(Q, i, j, post, to_i, update, to_post, to_pre);
        if (V > 4)
            j = dense_columns<4, U, n_post, n_pre>(Q, i, j, post, to_i, update, to_post, to_pre);
        if (V > 2)
            j = dense_columns<2, U, n_post, n_pre>(Q, i, j, post, to_i, update, to_post, to_pre);
        if (V > 1)
            dense_columns<1, U, n_post, n_pre>(Q, i, j, post, to_i, update, to_post, to_pre);
        for (int k = 0; k < n_pre; k++)
            for (int u = 0; u < U; u++)
                pre[k][i + u] = to_i[k][u];
    }
    return i;
}

// Short rows take smaller vectors, for fewer sums over the numbers in a register, or a plain loop
// where there are no sums to post.
template <int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
DENSE_INLINE void one_pass(int P, int Q, real* const* post, real* const* pre,
                           Update update, ToPost to_post, ToPre to_pre) {
    if (n_post == 0 && n_pre == 0) {
        for (int i = 0; i < P; i++)
            DENSE_LOOP
            for (int j = 0; j < Q; j++)
                update(i*Q + j, i, j);
        return;
    }
    for (int k = 0; k < n_post; k++)
        for (int j = 0; j < Q; j++)
            post[k][j] = 0;
    const int V = DENSE_BYTES/sizeof(real), W = V/2 > 1 ? V/2 : 1;
    int i = 0;
    if (Q >= 8*V) {
        i = dense_rows<V, DENSE_REGISTERS/4, n_post, n_pre>(P, Q, i, post, pre, update, to_post, to_pre);
        dense_rows<V, 1, n_post, n_pre>(P, Q, i, post, pre, update, to_post, to_pre);
    } else if (n_post == 0) {
        for (i = 0; i < P; i++) {
            real to_i[n_pre + 1] = {};
            DENSE_LOOP
            for (int j = 0; j < Q; j++) {
                update(i*Q + j, i, j);
                DENSE_UNROLL
                for (int k = 0; k < n_pre; k++)
                    to_i[k] += to_pre(k, i*Q + j, i, j);
            }
            for (int k = 0; k < n_pre; k++)
                pre[k][i] = to_i[k];
        }
    } else if (Q >= W) {
        i = dense_rows<W, 4, n_post, n_pre>(P, Q, i, post, pre, update, to_post, to_pre);
        dense_rows<W, 1, n_post, n_pre>(P, Q, i, post, pre, update, to_post, to_pre);
    } else {
        i = dense_rows<1, 4, n_post, n_pre>(P, Q, i, post, pre, update, to_post, to_pre);
        dense_rows<1, 1, n_post, n_pre>(P, Q, i, post, pre, update, to_post, to_pre);
    }
}

// ---- Sums to post, all replicas ----

// A tile is U replicas times S vectors of postsynaptic neurons and runs through all presynaptic
// neurons: a vector of synapses is loaded once for U replicas.
template <int V, int U, int S, typename real, typename Value>
DENSE_INLINE void dense_post_tile(int P, int Q, int b, int j, real* post, const Value& value) {
    real sum[U][S][V];
    for (int u = 0; u < U; u++)
        for (int s = 0; s < S; s++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                sum[u][s][q] = 0;
    for (int i = 0; i < P; i++)
        DENSE_UNROLL
        for (int u = 0; u < U; u++)
            DENSE_UNROLL
            for (int s = 0; s < S; s++)
                DENSE_VECTOR
                for (int q = 0; q < V; q++)
                    sum[u][s][q] += value(i*Q + j + s*V + q, b*P + i + u*P, b*Q + j + u*Q + s*V + q);
    for (int u = 0; u < U; u++)
        for (int s = 0; s < S; s++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                post[b*Q + j + u*Q + s*V + q] = sum[u][s][q];
}

// All replicas of the postsynaptic neurons from j on that come in groups of S*V.
template <int V, int S, typename real, typename Value>
DENSE_INLINE int dense_post_columns(int P, int Q, int B, int j, real* post, const Value& value) {
    const int U = DENSE_REGISTERS/4;
    for (; j + S*V <= Q; j += S*V) {
        int b = 0;
        for (; b + U <= B; b += U)
            dense_post_tile<V, U, S>(P, Q, b, j, post, value);
        for (; b < B; b++)
            dense_post_tile<V, 1, S>(P, Q, b, j, post, value);
    }
    return j;
}

// The last vector of a row may overlap with the one before: it gives the same sums again.
template <typename real, typename Value>
DENSE_INLINE void sum_to_post(int P, int Q, int B, real* post, Value value) {
    const int V = DENSE_BYTES/sizeof(real);
    int j = dense_post_columns<V, 3>(P, Q, B, 0, post, value);
    if (Q >= V)
        for (; j < Q; j += V)
            dense_post_columns<V, 1>(P, Q, B, j + V <= Q ? j : Q - V, post, value);
    const int H = V > 8 ? 8 : V;
    if (V > H && Q >= H)
        for (; j < Q; j += H)
            dense_post_columns<H, 1>(P, Q, B, j + H <= Q ? j : Q - H, post, value);
    j = dense_post_columns<4, 1>(P, Q, B, j, post, value);
    dense_post_columns<1, 1>(P, Q, B, j, post, value);
}

// ---- Sums to pre, all replicas ----

// A tile is X presynaptic neurons times Y replicas, with a vector of partial sums for each pair.
template <int H, int V, int X, int Y, typename real, typename Value>
DENSE_INLINE void dense_pre_vector(int P, int Q, int b, int i, int j, real (&sum)[X][Y][V], const Value& value) {
    DENSE_UNROLL
    for (int x = 0; x < X; x++)
        DENSE_UNROLL
        for (int y = 0; y < Y; y++)
            DENSE_VECTOR
            for (int q = 0; q < H; q++)
                sum[x][y][q] += value(i*Q + j + x*Q + q, b*P + i + y*P + x, b*Q + j + y*Q + q);
}

template <int X, int Y, typename real, typename Value>
DENSE_INLINE void dense_pre_tile(int P, int Q, int b, int i, real* pre, const Value& value) {
    const int V = DENSE_BYTES/sizeof(real);
    real sum[X][Y][V];
    for (int x = 0; x < X; x++)
        for (int y = 0; y < Y; y++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                sum[x][y][q] = 0;
    int j = 0;
    for (; j + V <= Q; j += V)
        dense_pre_vector<V>(P, Q, b, i, j, sum, value);
    if (V > 8 && (Q & 8))
        dense_pre_vector<V < 8 ? V : 8>(P, Q, b, i, Q & ~15, sum, value);
    if (V > 4 && (Q & 4))
        dense_pre_vector<V < 4 ? V : 4>(P, Q, b, i, Q & ~7, sum, value);
    if (V > 2 && (Q & 2))
        dense_pre_vector<2>(P, Q, b, i, Q & ~3, sum, value);
    if (Q & 1)
        dense_pre_vector<1>(P, Q, b, i, Q - 1, sum, value);
    for (int x = 0; x < X; x++)
        for (int y = 0; y < Y; y++)
            pre[(b + y)*P + i + x] = dense_sum(sum[x][y]);
}

// All replicas from b to b_end, in groups of Y.
template <int X, int Y, typename real, typename Value>
DENSE_INLINE void dense_pre_rows(int P, int Q, int b, int b_end, int i, real* pre, const Value& value) {
    for (; b + Y <= b_end; b += Y)
        dense_pre_tile<X, Y>(P, Q, b, i, pre, value);
    for (; b < b_end; b++)
        dense_pre_tile<X, 1>(P, Q, b, i, pre, value);
}

// Replicas are taken in blocks, for their variables to stay in a cache close to the processor.
// Tiles are 5 times 5 since g++ keeps a loaded vector in a register only for 5 uses or more.
template <typename real, typename Value>
DENSE_INLINE void sum_to_pre(int P, int Q, int B, real* pre, Value value) {
    const int X = DENSE_REGISTERS == 32 ? 5 : 2, Y = DENSE_REGISTERS == 32 ? 5 : 6, block = 40;
    for (int b = 0; b < B; b += block) {
        const int b_end = B - b < block ? B : b + block;
        int i = 0;
        for (; i + X <= P; i += X)
            dense_pre_rows<X, Y>(P, Q, b, b_end, i, pre, value);
        for (; i < P; i++)
            dense_pre_rows<1, Y>(P, Q, b, b_end, i, pre, value);
    }
}

// Values of synapses, postsynaptic neurons first. With many replicas it pays to copy them: a sum to
// pre is then one to post with the sides exchanged, which has no horizontal sums of vectors.
template <int n, int which, typename T>
DENSE_INLINE const T* by_post(int P, int Q, const T* values) {
    static T turned[n];
    const int block = 16;
    for (int i = 0; i < P; i += block)
        for (int j = 0; j < Q; j++)
            if (P - i >= block)
                DENSE_VECTOR
                for (int q = 0; q < block; q++)
                    turned[j*P + i + q] = values[(i + q)*Q + j];
            else
                for (int k = i; k < P; k++)
                    turned[j*P + k] = values[k*Q + j];
    return turned;
}

// ---- Means over the replicas ----

// A tile is U presynaptic neurons times S vectors of postsynaptic neurons, with the replicas as the
// innermost loop: a synapse is read and written only once.
template <int n_terms, int V, int U, int S, typename real, typename Local, typename Apply>
DENSE_INLINE void dense_mean_tile(int P, int Q, int B, int i, int j, const Local& local, const Apply& apply) {
    real sum[n_terms][U][S][V];
    for (int k = 0; k < n_terms; k++)
        for (int u = 0; u < U; u++)
            for (int s = 0; s < S; s++)
                DENSE_VECTOR
                for (int q = 0; q < V; q++)
                    sum[k][u][s][q] = 0;
    for (int b = 0; b < B; b++)
        DENSE_UNROLL
        for (int k = 0; k < n_terms; k++)
            DENSE_UNROLL
            for (int u = 0; u < U; u++)
                DENSE_UNROLL
                for (int s = 0; s < S; s++)
                    DENSE_VECTOR
                    for (int q = 0; q < V; q++)
                        sum[k][u][s][q] += local(k, i*Q + j + u*Q + s*V + q, b*P + i + u, b*Q + j + s*V + q);
    const real scale = real(1)/B;
    for (int u = 0; u < U; u++)
        for (int s = 0; s < S; s++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++) {
                real mean[n_terms];
                DENSE_UNROLL
                for (int k = 0; k < n_terms; k++)
                    mean[k] = scale*sum[k][u][s][q];
                apply(i*Q + j + u*Q + s*V + q, mean);
            }
}

template <int n_terms, int V, int S, typename real, typename Local, typename Apply>
DENSE_INLINE int dense_mean_columns(int P, int Q, int B, int j, const Local& local, const Apply& apply) {
    const int U = DENSE_REGISTERS/4/n_terms > 0 ? DENSE_REGISTERS/4/n_terms : 1;
    for (; j + S*V <= Q; j += S*V) {
        int i = 0;
        for (; i + U <= P; i += U)
            dense_mean_tile<n_terms, V, U, S, real>(P, Q, B, i, j, local, apply);
        for (; i < P; i++)
            dense_mean_tile<n_terms, V, 1, S, real>(P, Q, B, i, j, local, apply);
    }
    return j;
}

template <int n_terms, typename real, typename Local, typename Apply>
DENSE_INLINE void mean_over_replicas(int P, int Q, int B, Local local, Apply apply) {
    const int V = DENSE_BYTES/sizeof(real);
    int j = dense_mean_columns<n_terms, V, 3, real>(P, Q, B, 0, local, apply);
    j = dense_mean_columns<n_terms, V, 1, real>(P, Q, B, j, local, apply);
    if (V > 8)
        j = dense_mean_columns<n_terms, 8, 1, real>(P, Q, B, j, local, apply);
    if (V > 4)
        j = dense_mean_columns<n_terms, 4, 1, real>(P, Q, B, j, local, apply);
    dense_mean_columns<n_terms, 1, 1, real>(P, Q, B, j, local, apply);
}

}  // namespace _le

#undef DENSE_VECTOR
#undef DENSE_LOOP
#undef DENSE_UNROLL
#undef DENSE_INLINE
#undef DENSE_REGISTERS
#undef DENSE_BYTES
#undef DENSE_IN_ORDER
