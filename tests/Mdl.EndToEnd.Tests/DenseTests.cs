using Tiny;

namespace Mdl.EndToEnd.Tests;

public class DenseTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5)]
    [InlineData(3, 17)]
    public void Training_agrees_with_the_reference(int batch, int length)
    {
        using var model = new DenseSmall();
        var reference = new Reference(model, "tiny.mdl");
        reference.Randomize(length);
        reference.CheckTraining(batch, length, seed: batch);
    }

    [Fact]
    public void Logits_agree_with_the_reference()
    {
        using var model = new DenseSmall();
        var reference = new Reference(model, "tiny.mdl");
        reference.Randomize(1);
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];
        Reference.Close(reference.Logits(tokens, 1)[0], model.Forward(tokens), 1e-5, "logits");
    }
}
