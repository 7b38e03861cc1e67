using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Attention in tiles with an online softmax (Dao et al. 2022): scores are never stored beyond a tile, tiles that a mask hides are skipped.
/// Every output element is accumulated by one unit of work in an order that depends on the shape alone.
/// </summary>
public static unsafe partial class Attention
{
    // Multiples of the heights and widths of every family's micro-kernels (12 or 6 rows; 32, 16 or 8 columns), so that none runs on a narrow rest.
    private const int TileUnit = 96;

    // With so many rows there is enough to hand out however high the tiles are.
    private const int ManyRows = 2048;

    /// <summary>Rows (query tokens times query heads of a key head) of a tile: the more, the more rarely keys and values are read.</summary>
    private static int QueryTile(in AttentionShape s) => s.Queries * (long)s.Group >= ManyRows ? 2 * TileUnit : TileUnit;

    // Rows of tiles lie an odd number of cache lines apart, so that a column of a tile falls on all sets of the first-level cache.
    private const int Skew = Rows.Lanes;

    /// <summary>Floats between rows of a dense copy of heads of this width.</summary>
    private static int Dense(int width) => RoundUp(width, 2 * Rows.Lanes) + Skew;

    /// <summary>Keys of a tile: few enough that the copies of keys and values and their gradients stay in the second-level cache.</summary>
    private static int KeyTile(in AttentionShape s) => s.KeyWidth + s.ValueWidth <= 256 ? 3 * TileUnit : TileUnit;

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private static int Groups(int count, int size) => (count + size - 1) / size;

    /// <summary>Hands out parts of a worker's scratch memory, each 64-byte aligned.</summary>
    private struct Bump
    {
        private float* _memory;
        private long _used;

        public Bump(float* memory) => _memory = memory;

        /// <summary>Floats handed out.</summary>
        public readonly long Used => _used;

        /// <summary>The next part; of no meaning while only sizes are added up, with no memory.</summary>
        public float* Take(long floats)
        {
            var part = _memory + _used;
            _used += (floats + 15) & ~15L;
            return part;
        }
    }

    /// <summary>
    /// output [Batch, Queries, Heads, ValueWidth] = softmax(Scale q k') v and lse [Batch, Queries, Heads] = the logarithm of the softmax's divisor.
    /// A sink is one more logit per head, without a value.
    /// </summary>
    /// <param name="team">Threads.</param>
    /// <param name="s">Sizes and strides.</param>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="sink">Sinks [Heads], or null.</param>
    /// <param name="output">Receives the output.</param>
    /// <param name="lse">Receives the log-sum-exp, dense.</param>
    public static void Forward(Team team, in AttentionShape s, float* q, float* k, float* v, float* sink, float* output, float* lse)
    {
        var a = new ForwardArguments
        {
            Shape = s, Kernels = team.Kernels, Q = q, K = k, V = v, Sink = sink, Output = output, Lse = lse, KeyBatch = s.Keys * s.KeyStride, ValueBatch = s.Keys * s.ValueStride,
        };
        Forward(team, a);
    }
}
