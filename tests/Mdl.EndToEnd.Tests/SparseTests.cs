namespace Mdl.EndToEnd.Tests;

/// <summary>Every model of the test files, trained and run beside the reference evaluator.</summary>
public class SparseTests
{
    public static TheoryData<string, int, int> Cases()
    {
        var data = new TheoryData<string, int, int>();
        foreach (var name in (string[])["LingTiny", "LingDeep", "SwitchCapacity", "SwitchDropless", "OddOne", "ForeignAngles", "LingLiteTiny"])
        {
            data.Add(name, 1, 1);
            data.Add(name, 1, 7);
            data.Add(name, 3, 19);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_agrees_with_the_reference(string name, int batch, int length)
    {
        using var model = TestModels.Create(name);
        var reference = new Reference(model, TestModels.FileOf(name));
        reference.Randomize(length + batch);
        reference.CheckTraining(batch, length, seed: batch);
    }

    [Theory]
    [InlineData("LingTiny")]
    [InlineData("LingDeep")]
    [InlineData("SwitchDropless")]
    [InlineData("OddOne")]
    [InlineData("ForeignAngles")]
    public void Logits_agree_with_the_reference(string name)
    {
        using var model = TestModels.Create(name);
        var reference = new Reference(model, TestModels.FileOf(name));
        reference.Randomize(1);
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];
        Reference.Close(reference.Logits(tokens, 1)[0], model.Forward(tokens), 1e-5, "logits");
    }
}
