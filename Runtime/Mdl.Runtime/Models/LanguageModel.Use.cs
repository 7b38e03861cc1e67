using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Models;

public abstract unsafe partial class LanguageModel
{
    /// <summary>Writes the weights to a safetensors file; it is replaced as a whole or not at all.</summary>
    /// <param name="path">The file.</param>
    public void Save(string path) => Checkpoint.SaveModel(this, path);

    /// <summary>Reads the weights from a safetensors file; nothing changes unless the whole file fits.</summary>
    /// <param name="path">The file, written by <see cref="Save"/> or by a trainer.</param>
    /// <exception cref="SafetensorsException">The file is damaged or belongs to another model.</exception>
    public void LoadWeights(string path) => Checkpoint.LoadModel(this, path);

    /// <summary>A trainer with the settings of the model's train declaration.</summary>
    public Trainer CreateTrainer(TrainingOptions options) => new(this, options);

    /// <summary>The logits of all positions of some sequences. For many calls, keep a program of <see cref="CreateInferenceProgram"/> instead.</summary>
    /// <param name="tokens">[batch, length], row-major.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <returns>[batch, length, vocabulary], row-major.</returns>
    /// <exception cref="ArgumentException">The tokens do not divide into that many sequences, or one is outside of the vocabulary.</exception>
    public float[] Forward(ReadOnlySpan<int> tokens, int batch = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        if (tokens.Length == 0 || tokens.Length % batch != 0)
        {
            throw new ArgumentException($"{tokens.Length} tokens are not {batch} sequences of one length of at least 1.", nameof(tokens));
        }

        TokenRange.Check(tokens, Info.Vocabulary);
        var length = tokens.Length / batch;
        using var program = CreateInferenceProgram(batch, length, length);
        tokens.CopyTo(new Span<int>(program.Tokens, tokens.Length));
        program.Run(length, 0, lastOnly: false);
        return new ReadOnlySpan<float>(program.Logits, checked(tokens.Length * Info.Vocabulary)).ToArray();
    }

    /// <summary>Continues a prompt. For streaming and for many calls, keep a <see cref="Generator"/> instead.</summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="count">Most tokens to make.</param>
    /// <param name="options">How tokens are drawn; the default options if null.</param>
    /// <returns>The new tokens.</returns>
    public int[] Generate(ReadOnlySpan<int> prompt, int count, SamplingOptions? options = null)
    {
        using var generator = new Generator(this, prompt.Length + count);
        var output = new int[count];
        var made = generator.Generate(prompt, output, options ?? new SamplingOptions());
        return output[..made];
    }
}
