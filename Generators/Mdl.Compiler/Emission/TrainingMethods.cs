using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>What every training program does, whatever it trains: forward, backward, and states that take their next values.</summary>
internal static class TrainingMethods
{
    /// <summary>Writes the three methods.</summary>
    /// <returns>How many launches the forward pass has.</returns>
    public static int Write(CodeWriter code, ProgramEmitter emitter, BoundModel model, WeightLayout layout, TrainingPlan plan)
    {
        var forward = plan.Program.Top.ForwardSteps;
        Pass("Forward", 0, forward);
        var launches = emitter.Launches;
        Pass("Backward", forward, plan.Program.Top.Steps.Count);
        code.Line();
        code.Open("public override void CommitStates()");
        foreach (var state in plan.States)
        {
            code.Line($"RowLaunch.Copy({Expressions.Of(state.Next)}, _weights + {layout[state.Parameter.Key]}L, {state.Parameter.Size}L); // {state.Parameter.Key}");
        }

        code.Close();
        return launches;

        void Pass(string name, int begin, int end)
        {
            code.Line();
            code.Open($"public override void {name}()");
            ModelEmitter.Enter(code, model, "training");
            emitter.Statements(code, begin, end);
            code.Line("profile?.End();");
            code.Close();
        }
    }
}
