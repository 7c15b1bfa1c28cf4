// Loop nests over dense synapses: every neuron of a population of P presynaptic neurons has one
// synapse on each of Q postsynaptic neurons, and the synapse (i, j) has index i*Q + j. With B
// replicas of the neurons, neuron n of replica b has index b*N + n; the synapses are shared.
//
// What is computed for a synapse is a functor that gets indices and reads (and, for `update` and
// `apply`, writes) the arrays by itself. The functors must not rely on the order of the synapses.
//
// All nests are cut into tiles of compile-time size, for two reasons: the sums of a tile stay in
// registers, and each value that has been loaded is used several times. The innermost loop of a
// tile runs over the V numbers of one vector register, and over consecutive postsynaptic neurons, for
// which all arrays are contiguous. What is left at the end of a row is done with V/2, V/4, ..., 1.

#if defined(__clang__)
#define DENSE_LOOP _Pragma("clang loop vectorize(assume_safety)")
#define DENSE_VECTOR _Pragma("clang loop vectorize(assume_safety)")
#define DENSE_UNROLL _Pragma("clang loop unroll(full)")
#define DENSE_INLINE inline __attribute__((always_inline))
#define DENSE_FLATTEN __attribute__((flatten))
#elif defined(__GNUC__)
// Without "unroll 1", g++ unrolls the loop over the lanes before it comes to vectorise loops.
#define DENSE_LOOP _Pragma("GCC ivdep")
#define DENSE_VECTOR _Pragma("GCC unroll 1") _Pragma("GCC ivdep")
#define DENSE_UNROLL _Pragma("GCC unroll 32")
#define DENSE_INLINE inline __attribute__((always_inline))
#define DENSE_FLATTEN __attribute__((flatten))
#else
#define DENSE_LOOP
#define DENSE_VECTOR
#define DENSE_UNROLL
#define DENSE_INLINE inline
#define DENSE_FLATTEN
#endif

// Bytes of a vector register (g++ prefers half registers on the Intel processors named here), and
// whether there are 32 of them or 16.
#if defined(__AVX512F__) && !defined(__tune_skylake_avx512__) && !defined(__tune_cascadelake__) \
    && !defined(__tune_cooperlake__) && !defined(__tune_icelake_client__) \
    && !defined(__tune_icelake_server__) && !defined(__tune_sapphirerapids__)
#define DENSE_BYTES 64
#elif defined(__AVX__)
#define DENSE_BYTES 32
#else
#define DENSE_BYTES 16
#endif
#if defined(__AVX512F__)
#define DENSE_REGISTERS 32
#else
#define DENSE_REGISTERS 16
#endif
#define DENSE_LANES ((int) (DENSE_BYTES/sizeof(real)))

struct NoUpdate {
    void operator()(int, int, int) const {}
};

// One replica: `rows` presynaptic neurons and V postsynaptic ones.
template <int rows, int V, int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
static DENSE_INLINE void dense_block(int Q, int i, int j, real* const* post, real (&to_i)[n_pre + 1][rows][V],
                                     const Update& update, const ToPost& to_post, const ToPre& to_pre) {
    DENSE_VECTOR
    for (int q = 0; q < V; q++) {
        real to_j[n_post + 1], value[n_pre + 1][rows];
        DENSE_UNROLL
        for (int k = 0; k < n_post; k++)
            to_j[k] = post[k][j + q];
        DENSE_UNROLL
        for (int u = 0; u < rows; u++) {
            update((i + u)*Q + j + q, i + u, j + q);
            DENSE_UNROLL
            for (int k = 0; k < n_post; k++)
                to_j[k] += to_post(k, (i + u)*Q + j + q, i + u, j + q);
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
            for (int u = 0; u < rows; u++)
                to_i[k][u][q] += value[k][u];
    }
}

template <int rows, int V, int n_post, int n_pre>
struct DenseEnd {
    template <typename real, typename Update, typename ToPost, typename ToPre>
    static DENSE_INLINE void run(int Q, int i, int j, real* const* post, real* const* pre,
                                 const real (&to_i)[n_pre + 1][rows][V],
                                 const Update& update, const ToPost& to_post, const ToPre& to_pre) {
        const int H = V/2;
        real half[n_pre + 1][rows][H];
        DENSE_UNROLL
        for (int k = 0; k < n_pre; k++)
            DENSE_UNROLL
            for (int u = 0; u < rows; u++)
                DENSE_VECTOR
                for (int q = 0; q < H; q++)
                    half[k][u][q] = to_i[k][u][q] + to_i[k][u][q + H];
        if (j + H <= Q) {
            dense_block<rows, H, n_post, n_pre>(Q, i, j, post, half, update, to_post, to_pre);
            j += H;
        }
        DenseEnd<rows, H, n_post, n_pre>::run(Q, i, j, post, pre, half, update, to_post, to_pre);
    }
};

template <int rows, int n_post, int n_pre>
struct DenseEnd<rows, 1, n_post, n_pre> {
    template <typename real, typename Update, typename ToPost, typename ToPre>
    static DENSE_INLINE void run(int, int i, int, real* const*, real* const* pre,
                                 const real (&to_i)[n_pre + 1][rows][1], const Update&, const ToPost&, const ToPre&) {
        for (int k = 0; k < n_pre; k++)
            for (int u = 0; u < rows; u++)
                pre[k][i + u] = to_i[k][u][0];
    }
};

// A tile is `rows` presynaptic neurons times all postsynaptic ones: the sums to the postsynaptic
// neurons are read and written only once per tile and vector, and the sums to the presynaptic
// ones form independent chains of additions.
template <int rows, int V, int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
static DENSE_INLINE void dense_rows(int Q, int i, real* const* post, real* const* pre,
                                    const Update& update, const ToPost& to_post, const ToPre& to_pre) {
    real to_i[n_pre + 1][rows][V];
    for (int k = 0; k < n_pre; k++)
        for (int u = 0; u < rows; u++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                to_i[k][u][q] = 0;
    int j = 0;
    for (; j + V <= Q; j += V)
        dense_block<rows, V, n_post, n_pre>(Q, i, j, post, to_i, update, to_post, to_pre);
    DenseEnd<rows, V, n_post, n_pre>::run(Q, i, j, post, pre, to_i, update, to_post, to_pre);
}

template <int V, int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
static DENSE_INLINE void dense_all_rows(int P, int Q, real* const* post, real* const* pre,
                                        const Update& update, const ToPost& to_post, const ToPre& to_pre) {
    int i = 0;
    for (; i + 4 <= P; i += 4)
        dense_rows<4, V, n_post, n_pre>(Q, i, post, pre, update, to_post, to_pre);
    for (; i < P; i++)
        dense_rows<1, V, n_post, n_pre>(Q, i, post, pre, update, to_post, to_pre);
}

template <int n_post, int n_pre, typename real, typename Update, typename ToPost, typename ToPre>
static DENSE_INLINE void one_pass(int P, int Q, real* const* post, real* const* pre,
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
    const int V = DENSE_LANES;
    if (Q >= 8*V)
        dense_all_rows<V, n_post, n_pre>(P, Q, post, pre, update, to_post, to_pre);
    else
        dense_all_rows<V/2, n_post, n_pre>(P, Q, post, pre, update, to_post, to_pre);
}

// Sums to the postsynaptic neurons of all replicas. A tile is U replicas times S vectors of
// postsynaptic neurons, and runs through all presynaptic neurons with its U*S sums in registers:
// a vector of synapses is loaded once for U replicas.
template <int U, int S, int V, typename real, typename Value>
static DENSE_INLINE void dense_post_tile(int P, int Q, int b, int j, real* post, const Value& value) {
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

// All replicas of the postsynaptic neurons from j on, in steps of S*V.
template <int S, int V, typename real, typename Value>
static DENSE_INLINE int dense_post_strip(int P, int Q, int B, int j, real* post, const Value& value) {
    const int U = DENSE_REGISTERS/4;
    for (; j + S*V <= Q; j += S*V) {
        int b = 0;
        for (; b + U <= B; b += U)
            dense_post_tile<U, S, V>(P, Q, b, j, post, value);
        for (; b < B; b++)
            dense_post_tile<1, S, V>(P, Q, b, j, post, value);
    }
    return j;
}

template <typename real, typename Value>
static DENSE_INLINE void sum_to_post(int P, int Q, int B, real* post, Value value) {
    const int V = DENSE_LANES;
    int j = dense_post_strip<3, V>(P, Q, B, 0, post, value);
    j = dense_post_strip<1, V>(P, Q, B, j, post, value);
    if (j < Q && Q >= V) {
        dense_post_strip<1, V>(P, Q, B, Q - V, post, value);
        return;
    }
    j = dense_post_strip<1, 4>(P, Q, B, j, post, value);
    dense_post_strip<1, 1>(P, Q, B, j, post, value);
}

// Sums to the presynaptic neurons of all replicas. A tile is X presynaptic neurons times Y
// replicas with a vector of partial sums for each pair, added up at the end. Replicas are taken in
// blocks, for their variables to stay in the first-level cache.
template <int X, int Y, int V, typename real, typename Value>
static DENSE_INLINE void dense_pre_block(int P, int Q, int b, int i, int j, real (&sum)[X][Y][V], const Value& value) {
    DENSE_UNROLL
    for (int x = 0; x < X; x++)
        DENSE_UNROLL
        for (int y = 0; y < Y; y++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                sum[x][y][q] += value(i*Q + j + x*Q + q, b*P + i + y*P + x, b*Q + j + y*Q + q);
}

template <int X, int Y, int V>
struct DensePreEnd {
    template <typename real, typename Value>
    static DENSE_INLINE void run(int P, int Q, int b, int i, int j, real* pre, const real (&sum)[X][Y][V], const Value& value) {
        const int H = V/2;
        real half[X][Y][H];
        for (int x = 0; x < X; x++)
            for (int y = 0; y < Y; y++)
                DENSE_VECTOR
                for (int q = 0; q < H; q++)
                    half[x][y][q] = sum[x][y][q] + sum[x][y][q + H];
        if (j + H <= Q) {
            dense_pre_block<X, Y, H>(P, Q, b, i, j, half, value);
            j += H;
        }
        DensePreEnd<X, Y, H>::run(P, Q, b, i, j, pre, half, value);
    }
};

template <int X, int Y>
struct DensePreEnd<X, Y, 1> {
    template <typename real, typename Value>
    static DENSE_INLINE void run(int P, int, int b, int i, int, real* pre, const real (&sum)[X][Y][1], const Value&) {
        for (int x = 0; x < X; x++)
            for (int y = 0; y < Y; y++)
                pre[(b + y)*P + i + x] = sum[x][y][0];
    }
};

template <int X, int Y, int V, typename real, typename Value>
static DENSE_INLINE void dense_pre_tile(int P, int Q, int b, int i, real* pre, const Value& value) {
    real sum[X][Y][V];
    for (int x = 0; x < X; x++)
        for (int y = 0; y < Y; y++)
            DENSE_VECTOR
            for (int q = 0; q < V; q++)
                sum[x][y][q] = 0;
    int j = 0;
    for (; j + V <= Q; j += V)
        dense_pre_block<X, Y, V>(P, Q, b, i, j, sum, value);
    DensePreEnd<X, Y, V>::run(P, Q, b, i, j, pre, sum, value);
}

template <typename real, typename Value>
static DENSE_INLINE void sum_to_pre(int P, int Q, int B, real* pre, Value value) {
    const int V = DENSE_LANES, Y = 5, X = DENSE_REGISTERS == 32 ? 5 : 2, block = 30;
    for (int b0 = 0; b0 < B; b0 += block) {
        const int b1 = B - b0 < block ? B : b0 + block;
        int i = 0;
        for (; i + X <= P; i += X) {
            int b = b0;
            for (; b + Y <= b1; b += Y)
                dense_pre_tile<X, Y, V>(P, Q, b, i, pre, value);
            for (; b < b1; b++)
                dense_pre_tile<X, 1, V>(P, Q, b, i, pre, value);
        }
        for (; i < P; i++)
            for (int b = b0; b < b1; b++)
                dense_pre_tile<1, 1, V>(P, Q, b, i, pre, value);
    }
}

// Means over the replicas, for every synapse. A tile is U presynaptic neurons times S vectors of
// postsynaptic neurons; the replicas are the innermost loop, so that a synapse is read and
// written only once.
template <int n_terms, int U, int S, int V, typename real, typename Local, typename Apply>
static DENSE_INLINE void dense_mean_tile(int P, int Q, int B, int i, int j, const Local& local, const Apply& apply) {
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
            for (int u = 0; u < U; u++)
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

template <int n_terms, int S, int V, typename real, typename Local, typename Apply>
static DENSE_INLINE int dense_mean_strip(int P, int Q, int B, int j, const Local& local, const Apply& apply) {
    const int U = n_terms > 2 ? 2 : DENSE_REGISTERS/4/n_terms;
    for (; j + S*V <= Q; j += S*V) {
        int i = 0;
        for (; i + U <= P; i += U)
            dense_mean_tile<n_terms, U, S, V, real>(P, Q, B, i, j, local, apply);
        for (; i < P; i++)
            dense_mean_tile<n_terms, 1, S, V, real>(P, Q, B, i, j, local, apply);
    }
    return j;
}

template <int n_terms, typename real, typename Local, typename Apply>
static DENSE_INLINE void mean_over_replicas(int P, int Q, int B, Local local, Apply apply) {
    const int V = DENSE_LANES;
    int j = dense_mean_strip<n_terms, 3, V, real>(P, Q, B, 0, local, apply);
    j = dense_mean_strip<n_terms, 1, V, real>(P, Q, B, j, local, apply);
    j = dense_mean_strip<n_terms, 1, V/2, real>(P, Q, B, j, local, apply);
    j = dense_mean_strip<n_terms, 1, 4, real>(P, Q, B, j, local, apply);
    dense_mean_strip<n_terms, 1, 1, real>(P, Q, B, j, local, apply);
}
