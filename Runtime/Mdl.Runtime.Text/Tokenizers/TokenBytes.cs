namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>The bytes of all tokens, one behind the other.</summary>
internal sealed class TokenBytes
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    public TokenBytes(byte[]?[] tokens)
    {
        _ends = new int[tokens.Length];
        _bytes = new byte[tokens.Sum(t => t?.Length ?? 0)];
        var end = 0;
        for (var id = 0; id < tokens.Length; id++)
        {
            tokens[id]?.CopyTo(_bytes, end);
            end += tokens[id]?.Length ?? 0;
            _ends[id] = end;
        }
    }

    /// <summary>Nothing for a number that no token has: models have more rows than the vocabulary to fill up a round size.</summary>
    public ReadOnlySpan<byte> this[int id]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            if (id >= _ends.Length)
            {
                return [];
            }

            var start = id == 0 ? 0 : _ends[id - 1];
            return _bytes.AsSpan(start, _ends[id] - start);
        }
    }

    public int Longest => _ends.Length == 0 ? 0 : Enumerable.Range(0, _ends.Length).Max(id => this[id].Length);
}
