namespace Ling.FineTune.Data;

/// <summary>Puts examples into batches. Which come in a step depends on seed and step alone.</summary>
public sealed class Batches(Dataset data, ulong seed, int batch, int width)
{
    private int[] _order = [];
    private long _epoch = -1;

    public int[] Tokens { get; } = new int[batch * width];

    public float[] Weights { get; } = new float[batch * width];

    /// <summary>Batches that hold out examples once.</summary>
    public int HeldOutBatches => (data.HeldOut.Count + batch - 1) / batch;

    /// <summary>The batch of a step, counted from 1: the examples in an order that changes with every pass over them.</summary>
    public void FillTraining(long step)
    {
        for (var row = 0; row < batch; row++)
        {
            var (epoch, place) = Math.DivRem(((step - 1) * batch) + row, data.Training.Count);
            Shuffle(epoch);
            Put(row, data.Training[_order[place]]);
        }
    }

    /// <summary>A batch of what is held out; rows beyond the last example are empty.</summary>
    /// <returns>The sum of the weights of its targets.</returns>
    public double FillHeldOut(int number)
    {
        var sum = 0.0;
        for (var row = 0; row < batch; row++)
        {
            var example = (number * batch) + row < data.HeldOut.Count ? data.HeldOut[(number * batch) + row] : null;
            Put(row, example);

            // The first token is no target.
            sum += example?.Weights.Skip(1).Sum() ?? 0;
        }

        return sum;
    }

    private void Put(int row, Example? example)
    {
        var tokens = Tokens.AsSpan(row * width, width);
        var weights = Weights.AsSpan(row * width, width);
        tokens.Clear();
        weights.Clear();
        example?.Tokens.CopyTo(tokens);
        example?.Weights.CopyTo(weights);
    }

    private void Shuffle(long epoch)
    {
        if (epoch != _epoch)
        {
            _epoch = epoch;
            _order = [.. Enumerable.Range(0, data.Training.Count)];
            new Random(HashCode(epoch)).Shuffle(_order);
        }
    }

    // System.HashCode differs from run to run.
    private int HashCode(long epoch) => (int)(((seed * 0x9E3779B97F4A7C15) + ((ulong)epoch * 0xBF58476D1CE4E5B9)) >> 33);
}
